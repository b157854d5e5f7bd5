# The ceiling of every role but the workflows' own: what a role of the lake, a cluster or the orchestrator may be given at
# most.  The role that applies makes and changes roles under it alone, so that no plan, however it was approved, makes a role
# that reaches other buckets, other keys or IAM.  A role's rights are what both its own policy and this one allow.

locals {
  boundary_arn = "arn:${var.context.partition}:iam::${var.context.account_id}:policy/${var.context.prefix}-boundary"

  boundary = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "OwnBuckets"
        Effect = "Allow"
        Action = [
          "s3:AbortMultipartUpload", "s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion",
          "s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketMultipartUploads",
          "s3:ListBucketVersions", "s3:ListMultipartUploadParts", "s3:PutObject",
        ]
        Resource = [local.bucket_arns, "${local.bucket_arns}/*"]
      },
      {
        Sid    = "OwnKey"
        Effect = "Allow"
        Action = [
          "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        Resource = var.key_arn
      },
      {
        Sid      = "OwnParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = [local.parameter_arns, "${local.parameter_arns}/*"]
      },
      {
        Sid      = "OwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = local.log_arns
      },
      {
        Sid      = "GiveClustersTheirRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = "arn:${var.context.partition}:iam::${var.context.account_id}:role/${var.context.prefix}-emr-*"
      },
      {
        # Whole services: EMR's service role has AWS's own policy, which AWS extends, and the ceiling must not be below it.
        Sid    = "MachinesAndClusters"
        Effect = "Allow"
        Action = [
          "application-autoscaling:*", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm",
          "cloudwatch:PutMetricData", "ec2:*", "elasticmapreduce:*", "resource-groups:ListGroupResources",
        ]
        Resource  = "*"
        Condition = local.in_region
      },
      {
        # What AmazonSSMManagedInstanceCore has but for parameters.
        Sid    = "SessionManager"
        Effect = "Allow"
        Action = [
          "ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint",
          "ec2messages:GetMessages", "ec2messages:SendReply", "ssm:DescribeAssociation", "ssm:DescribeDocument",
          "ssm:GetDeployablePatchSnapshotForInstance", "ssm:GetDocument", "ssm:GetManifest", "ssm:ListAssociations",
          "ssm:ListInstanceAssociations", "ssm:PutComplianceItems", "ssm:PutConfigurePackageResult", "ssm:PutInventory",
          "ssm:UpdateAssociationStatus", "ssm:UpdateInstanceAssociationStatus", "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource  = "*"
        Condition = local.in_region
      },
    ]
  })
}

resource "aws_iam_policy" "boundary" {
  name        = "${var.context.prefix}-boundary"
  description = "What a role of this project may be given at most"
  policy      = local.boundary
}
