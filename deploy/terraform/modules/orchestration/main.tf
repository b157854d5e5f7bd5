# The orchestrator's role, its configuration in SSM, and optionally its machine.
#
# On the machine Kestra and freightlake take the role from the instance's metadata: there is no key, and no user that could
# have one.  Secrets are named here and given values by `aws ssm put-parameter`, so that none is in Terraform's state.

locals {
  role_name       = "${var.context.prefix}-orchestrator"
  emr_arn         = "arn:${var.context.partition}:elasticmapreduce:${var.context.region}:${var.context.account_id}:cluster/*"
  parameters_arn  = "arn:${var.context.partition}:ssm:${var.context.region}:${var.context.account_id}:parameter${var.context.ssm_path}"
  secrets         = ["kestra/database-password", "kestra/admin-password", "kestra/encryption-key", "alert-webhook-url"]
  job_log_streams = "${var.job_log_group_arn}:*"

  # What machine.sh is told.
  settings = {
    REGION          = var.context.region
    ARTEFACTS       = var.artefacts_bucket
    PARAMETERS      = var.context.ssm_path
    LAKE            = var.kestra_values["lake"]
    ZONE_RAW        = var.lake_zones["raw"]
    ZONE_PROCESSED  = var.lake_zones["processed"]
    ZONE_QUARANTINE = var.lake_zones["quarantine"]
    ZONE_MARTS      = var.lake_zones["marts"]
    LOG_GROUP       = var.job_log_group
  }
}

resource "aws_iam_role" "orchestrator" {
  name                 = local.role_name
  description          = "Runs ingest, run and publish, and clusters for an hour"
  permissions_boundary = var.boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Machine"
        Effect    = "Allow"
        Principal = { Service = "ec2.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "lake" {
  name   = "lake"
  role   = aws_iam_role.orchestrator.id
  policy = local.lake_policy
}

resource "aws_iam_role_policy" "clusters" {
  name   = "clusters"
  role   = aws_iam_role.orchestrator.id
  policy = local.clusters_policy
}

resource "aws_iam_role_policy" "operations" {
  name   = "operations"
  role   = aws_iam_role.orchestrator.id
  policy = local.operations_policy
}

# Configuration is no secret, but it is encrypted like everything else; one parameter a key.  A cluster's request may be
# longer than the 4 KB of a standard parameter.
resource "aws_ssm_parameter" "value" {
  for_each = var.kestra_values

  name   = "${var.context.ssm_path}/kestra/${each.key}"
  type   = "SecureString"
  tier   = "Intelligent-Tiering"
  key_id = var.key_arn
  value  = each.value
}

resource "aws_iam_instance_profile" "orchestrator" {
  name = local.role_name
  role = aws_iam_role.orchestrator.name
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  count = var.orchestrator == null ? 0 : 1

  role       = aws_iam_role.orchestrator.name
  policy_arn = "arn:${var.context.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_security_group" "orchestrator" {
  name        = local.role_name
  description = "The orchestrator: nothing comes in, people come by Session Manager"
  vpc_id      = var.vpc_id

  tags = { Name = local.role_name }
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.orchestrator.id
  prefix_list_id    = var.s3_prefix_list_id
  description       = "S3 through the gateway endpoint"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  security_group_id            = aws_security_group.orchestrator.id
  referenced_security_group_id = var.endpoints_group_id
  description                  = "AWS services through interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "internet" {
  count = var.internet_by_nat ? 1 : 0

  security_group_id = aws_security_group.orchestrator.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Images, packages and webhooks by HTTPS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_instance" "orchestrator" {
  count = var.orchestrator == null ? 0 : 1

  ami                         = var.orchestrator.image_id
  instance_type               = var.orchestrator.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.orchestrator.id]
  iam_instance_profile        = aws_iam_instance_profile.orchestrator.name
  associate_public_ip_address = false
  ebs_optimized               = true
  monitoring                  = true

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.orchestrator.volume_gb
    encrypted   = true
    kms_key_id  = var.key_arn
  }

  # Runs once; a machine that is there stays as it is when the script changes.
  user_data = join("\n", concat(
    ["#!/bin/bash"],
    [for name, value in local.settings : "${name}='${value}'"],
    [file("${path.module}/machine.sh")],
  ))

  tags = { Name = local.role_name }
}

resource "aws_cloudwatch_metric_alarm" "machine" {
  count = var.orchestrator == null ? 0 : 1

  alarm_name          = "${local.role_name}-machine"
  alarm_description   = "The orchestrator's machine fails its status checks"
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed"
  dimensions          = { InstanceId = aws_instance.orchestrator[0].id }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}
