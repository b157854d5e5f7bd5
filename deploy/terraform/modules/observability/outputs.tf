output "topic_arn" {
  description = "The topic of alarms."
  value       = aws_sns_topic.alarms.arn
}

output "job_log_group" {
  description = "The log group of jobs."
  value       = aws_cloudwatch_log_group.jobs.name
}

output "job_log_group_arn" {
  description = "The log group of jobs."
  value       = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:${local.log_prefix}/jobs"
}
