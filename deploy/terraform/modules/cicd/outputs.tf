output "role_arns" {
  description = "The roles of the workflows: plan, apply, deploy."
  value       = { for key, role in aws_iam_role.workflow : key => role.arn }
}
