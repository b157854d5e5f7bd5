output "boundary_arn" {
  description = "The permissions boundary of every role but the workflows' own."
  value       = aws_iam_policy.boundary.arn
}

output "role_arns" {
  description = "The roles of the workflows: plan, apply, deploy."
  value       = { for key, role in aws_iam_role.workflow : key => role.arn }
}
