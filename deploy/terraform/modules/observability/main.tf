# Who is told, and of what.
#
#   stale tables   S3 tells EventBridge of each commit to a Delta log; a rule counts them (AWS/Events MatchedEvents), and an
#                  alarm goes off when a day and two hours pass without one.  It needs no agent and believes no job's
#                  word: it rings, too, when the orchestrator is gone.
#   errors         the machine's agent sends what its jobs log, as JSON; a metric filter counts lines of level error.
#                  Without a machine nobody sends, and there is neither filter nor alarm.
#   clusters       EMR's own events of a cluster or a step that failed go to the topic.  EMR reports each living cluster every
#                  five minutes under its own ID, which no alarm knows beforehand: a query over all IDs counts them.
#   money          a budget of the month: forecast above 100 %, spent above 80 and 100 %.

locals {
  log_prefix = "/${var.context.name}/${var.context.environment}"

  tables = {
    shipments = { zone = "processed", prefix = "lake/processed/shipments/_delta_log/" }
    marts     = { zone = "marts", prefix = "marts/" }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.context.prefix}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OwnServicesTell"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.context.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alert_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_log_group" "jobs" {
  name              = "${local.log_prefix}/jobs"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_cloudwatch_log_group" "commits" {
  name              = "${local.log_prefix}/commits"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_cloudwatch_log_resource_policy" "commits" {
  policy_name = "${var.context.prefix}-commits"

  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "EventsWriteCommits"
        Effect    = "Allow"
        Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
        Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource  = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:${local.log_prefix}/commits:*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.context.account_id } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "commit" {
  for_each = local.tables

  name        = "${var.context.prefix}-${each.key}-committed"
  description = "A Delta commit to ${each.key}"

  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.buckets[each.value.zone]] }
      object = { key = [{ wildcard = "${each.value.prefix}*.json" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "commit" {
  for_each = local.tables

  rule = aws_cloudwatch_event_rule.commit[each.key].name
  arn  = aws_cloudwatch_log_group.commits.arn
}

resource "aws_cloudwatch_metric_alarm" "stale" {
  for_each = local.tables

  alarm_name          = "${var.context.prefix}-${each.key}-stale"
  alarm_description   = "No commit to ${each.key} for 26 hours: the daily flow did not run, had nothing to do, or failed"
  namespace           = "AWS/Events"
  metric_name         = "MatchedEvents"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.commit[each.key].name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = 26
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  count = var.machine ? 1 : 0

  name           = "${var.context.prefix}-errors"
  log_group_name = aws_cloudwatch_log_group.jobs.name
  pattern        = "{ $.level = \"error\" }"

  metric_transformation {
    name          = "JobErrors-${var.context.environment}"
    namespace     = "Freightlake"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  count = var.machine ? 1 : 0

  alarm_name          = "${var.context.prefix}-job-errors"
  alarm_description   = "A job logged an error"
  namespace           = "Freightlake"
  metric_name         = "JobErrors-${var.context.environment}"
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_event_rule" "cluster_failed" {
  name        = "${var.context.prefix}-cluster-failed"
  description = "An EMR cluster ended with errors, or one of its steps failed"

  event_pattern = jsonencode({
    source        = ["aws.emr"]
    "detail-type" = ["EMR Cluster State Change", "EMR Step Status Change"]
    detail        = { state = ["TERMINATED_WITH_ERRORS", "FAILED"] }
  })
}

resource "aws_cloudwatch_event_target" "cluster_failed" {
  rule = aws_cloudwatch_event_rule.cluster_failed.name
  arn  = aws_sns_topic.alarms.arn
}

resource "aws_cloudwatch_metric_alarm" "idle" {
  count = var.standing ? 1 : 0

  alarm_name          = "${var.context.prefix}-cluster-idle"
  alarm_description   = "The standing cluster has had nothing to do for two hours and has not ended itself"
  namespace           = "AWS/ElasticMapReduce"
  metric_name         = "IsIdle"
  dimensions          = { JobFlowId = var.standing_cluster_id }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 24
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# Counts reports, one a cluster and period: with a standing cluster, two are one too many.  A query's alarm sees three hours
# at most, so thirty periods of five minutes are near the longest there is; three may be missing.
resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "${var.context.prefix}-cluster-age"
  alarm_description   = "For two and a half hours there has been an EMR cluster${var.standing ? " beside the standing one" : ""} in this account and region"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.standing ? 2 : 1
  evaluation_periods  = 30
  datapoints_to_alarm = 27
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "clusters"
    label       = "Living clusters"
    expression  = "SELECT COUNT(IsIdle) FROM SCHEMA(\"AWS/ElasticMapReduce\", JobFlowId)"
    period      = 300
    return_data = true
  }
}

resource "aws_budgets_budget" "month" {
  name         = "${var.context.prefix}-month"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Environment$%s", var.context.environment)]
  }

  dynamic "notification" {
    for_each = [
      { type = "ACTUAL", percent = 80 },
      { type = "ACTUAL", percent = 100 },
      { type = "FORECASTED", percent = 100 },
    ]

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.percent
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value.type
      subscriber_email_addresses = var.alert_emails
    }
  }
}
