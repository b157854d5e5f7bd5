locals {
  # A value for each key that the flows read from Kestra's KV store.
  kestra_values = {
    lake          = "s3://${module.lake.buckets["processed"]}/lake"
    aws_region    = var.region
    emr_job_flow  = jsonencode(module.compute.job_flow)
    spark_job_uri = "s3://${module.lake.buckets["artefacts"]}/jobs/run_marts.py"
  }

  lake_zones = {
    raw        = "s3://${module.lake.buckets["raw"]}/raw"
    processed  = "s3://${module.lake.buckets["processed"]}/lake/processed"
    quarantine = "s3://${module.lake.buckets["processed"]}/lake/quarantine"
    marts      = "s3://${module.lake.buckets["marts"]}/marts"
  }
}

output "kestra_values" {
  description = "A value for each key of Kestra's KV store; also in SSM below PATH/kestra/."
  value       = local.kestra_values
}

output "kestra_secrets" {
  description = "SSM parameters (SecureString) that an operator gives values to; Kestra's secrets."
  value       = module.orchestration.secret_parameters
}

output "lake_zones" {
  description = "What `zones:` in freightlake.yaml says for the lake in these buckets."
  value       = local.lake_zones
}

output "job_flow" {
  description = "The daily cluster as a RunJobFlow request: what boto3 takes as run_job_flow(**it)."
  value       = module.compute.job_flow
}

output "buckets" {
  description = "Names of the buckets by zone."
  value       = module.lake.buckets
}

output "orchestrator_role_arn" {
  description = "The orchestrator's role."
  value       = module.orchestration.role_arn
}

output "orchestrator_instance_id" {
  description = "The orchestrator's machine (aws ssm start-session --target ID), or null."
  value       = module.orchestration.instance_id
}

output "eraser_role_arn" {
  description = "The role that may remove locked versions."
  value       = module.lake.eraser_role_arn
}

output "workflow_role_arns" {
  description = "The roles of GitHub's workflows: plan, apply, deploy."
  value       = module.cicd.role_arns
}

output "alarm_topic_arn" {
  description = "The topic of alarms."
  value       = module.observability.topic_arn
}

output "job_log_group" {
  description = "Where jobs log to."
  value       = module.observability.job_log_group
}
