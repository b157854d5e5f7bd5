output "state_bucket" {
  description = "For environments/ENV.s3.tfbackend and state_bucket in environments/ENV.tfvars."
  value       = aws_s3_bucket.state.bucket
}

output "state_key_arn" {
  description = "For state_key_arn in environments/ENV.tfvars."
  value       = aws_kms_key.state.arn
}
