output "service_role_name" {
  description = "EMR's service role."
  value       = aws_iam_role.service.name
}

output "service_role_arn" {
  description = "EMR's service role."
  value       = aws_iam_role.service.arn
}

output "instance_role_arn" {
  description = "The role of the nodes."
  value       = aws_iam_role.node.arn
}

output "instance_profile_name" {
  description = "The instance profile of the nodes."
  value       = aws_iam_instance_profile.node.name
}

output "security_groups" {
  description = "The groups of a cluster."
  value = {
    primary = aws_security_group.node["primary"].id
    worker  = aws_security_group.node["worker"].id
    service = aws_security_group.service.id
  }
}

output "security_configuration" {
  description = "Name of the security configuration."
  value       = aws_emr_security_configuration.main.name
}

output "log_uri" {
  description = "Where clusters write their logs."
  value       = local.log_uri
}

output "job_flow" {
  description = "A whole RunJobFlow request."
  value       = local.job_flow
}

output "standing_cluster_id" {
  description = "The cluster that Terraform keeps, or null."
  value       = one(aws_emr_cluster.standing[*].id)
}
