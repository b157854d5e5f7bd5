# What the orchestrator may do: the lake's zones by the verbs of docs/s3.md, clusters that carry this project's tag, its
# own parameters, its own metrics.  Raw has no delete of versions: an erase leaves a locked version for the eraser.

locals {
  zones = ["raw", "processed", "marts"]

  lake_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListZones"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = [for zone in local.zones : var.bucket_arns[zone]]
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
        Resource = [for zone in local.zones : "${var.bucket_arns[zone]}/*"]
      },
      {
        Sid      = "ListArtefacts"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = var.bucket_arns["artefacts"]
      },
      {
        Sid      = "ReadArtefacts"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.bucket_arns["artefacts"]}/*"
      },
      {
        Sid      = "ReadClusterLogs"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.bucket_arns["logs"]}/emr/*"
      },
      {
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.key_arn
      },
    ]
  })

  clusters_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # A cluster has no ARN before it exists: it is held to the tags that it is asked for with.
        Sid       = "StartTagged"
        Effect    = "Allow"
        Action    = "elasticmapreduce:RunJobFlow"
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestTag/Project" = var.context.name, "aws:RequestTag/Environment" = var.context.environment } }
      },
      {
        Sid       = "TagStarted"
        Effect    = "Allow"
        Action    = "elasticmapreduce:AddTags"
        Resource  = local.emr_arn
        Condition = { StringEquals = { "aws:RequestTag/Project" = var.context.name, "aws:RequestTag/Environment" = var.context.environment } }
      },
      {
        Sid    = "UseTagged"
        Effect = "Allow"
        Action = [
          "elasticmapreduce:AddJobFlowSteps",
          "elasticmapreduce:CancelSteps",
          "elasticmapreduce:DescribeCluster",
          "elasticmapreduce:DescribeStep",
          "elasticmapreduce:ListInstances",
          "elasticmapreduce:ListSteps",
          "elasticmapreduce:PutAutoTerminationPolicy",
          "elasticmapreduce:TerminateJobFlows",
        ]
        Resource  = local.emr_arn
        Condition = { StringEquals = { "aws:ResourceTag/Project" = var.context.name, "aws:ResourceTag/Environment" = var.context.environment } }
      },
      {
        # Listing knows no resource; it gives names and states, no content.
        Sid      = "FindClusters"
        Effect   = "Allow"
        Action   = "elasticmapreduce:ListClusters"
        Resource = "*"
      },
      {
        Sid       = "GiveClusterItsRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = var.emr_role_arns
        Condition = { StringEquals = { "iam:PassedToService" = ["ec2.amazonaws.com", "elasticmapreduce.amazonaws.com"] } }
      },
    ]
  })

  operations_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = [local.parameters_arn, "${local.parameters_arn}/*"]
      },
      {
        # PutMetricData knows no resource; the namespace is what it is held to.
        Sid       = "OwnMetrics"
        Effect    = "Allow"
        Action    = "cloudwatch:PutMetricData"
        Resource  = "*"
        Condition = { StringEquals = { "cloudwatch:namespace" = "Freightlake" } }
      },
      {
        Sid      = "OwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [var.job_log_group_arn, local.job_log_streams]
      },
    ]
  })
}
