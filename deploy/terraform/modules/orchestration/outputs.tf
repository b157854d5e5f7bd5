output "role_arn" {
  description = "The orchestrator's role."
  value       = aws_iam_role.orchestrator.arn
}

output "instance_id" {
  description = "The orchestrator's machine, or null."
  value       = one(aws_instance.orchestrator[*].id)
}

output "secret_parameters" {
  description = "SSM parameters (SecureString) that an operator gives values to."
  value       = [for name in local.secrets : "${var.context.ssm_path}/${name}"]
}
