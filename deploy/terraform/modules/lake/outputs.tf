output "buckets" {
  description = "Names of the buckets by zone."
  value       = { for zone in local.zones : zone => aws_s3_bucket.zone[zone].bucket }
}

output "bucket_arns" {
  description = "ARNs of the buckets by zone."
  value       = local.arns

  # What delivers logs to a bucket is checked by AWS against the bucket's policy when it is made.
  depends_on = [aws_s3_bucket_policy.zone]
}

output "key_arn" {
  description = "The KMS key."
  value       = aws_kms_key.lake.arn
}

output "eraser_role_arn" {
  description = "The role that may remove locked versions."
  value       = aws_iam_role.eraser.arn
}
