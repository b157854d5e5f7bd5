# Who may do what with the buckets and the key, as documents.

locals {
  # The services that encrypt with the key on our behalf, and how each is held to this account.
  key_services = {
    "logs.${var.context.region}.amazonaws.com" = { test = "StringLike", key = "kms:EncryptionContext:aws:logs:arn", value = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:/${var.context.name}/*" }
    "cloudwatch.amazonaws.com"                 = { test = "StringEquals", key = "aws:SourceAccount", value = var.context.account_id }
    "events.amazonaws.com"                     = { test = "StringEquals", key = "aws:SourceAccount", value = var.context.account_id }
    "budgets.amazonaws.com"                    = { test = "StringEquals", key = "aws:SourceAccount", value = var.context.account_id }
  }

  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "AccountDecidesByIam"
          Effect    = "Allow"
          Principal = { AWS = local.root_arn }
          Action    = "kms:*"
          Resource  = "*"
        },
      ],
      [
        for service, held in local.key_services : {
          Sid       = "Use${replace(title(split(".", service)[0]), "-", "")}"
          Effect    = "Allow"
          Principal = { Service = service }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = { (held.test) = { (held.key) = held.value } }
        }
      ],
    )
  })

  transport_statements = {
    for zone in local.zones : zone => [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.arns[zone], "${local.arns[zone]}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "RecentTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.arns[zone], "${local.arns[zone]}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
    ]
  }

  zone_statements = {
    # Raw is immutable: a version goes, and a lock is lifted, by the eraser alone, whatever else a role is allowed.
    raw = [
      {
        Sid       = "OnlyTheEraserErases"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:PutObjectLegalHold"]
        Resource  = "${local.arns["raw"]}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.eraser_arn } }
      },
    ]

    logs = [
      {
        Sid       = "S3AccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.arns["logs"]}/s3/*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.context.account_id } }
      },
      {
        Sid       = "VpcFlowLogs"
        Effect    = "Allow"
        Principal = { Service = "delivery.logs.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.arns["logs"]}/vpc/*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.context.account_id } }
      },
      {
        Sid       = "VpcFlowLogsLook"
        Effect    = "Allow"
        Principal = { Service = "delivery.logs.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = local.arns["logs"]
        Condition = { StringEquals = { "aws:SourceAccount" = var.context.account_id } }
      },
    ]
  }
}

# `freightlake erase` takes data out of the tables and the raw files; what it leaves are replaced versions.  This role
# removes those, locked ones of raw included.  Nobody may take it unless eraser_principals says so.
resource "aws_iam_role" "eraser" {
  name                 = local.eraser_name
  description          = "Removes replaced and locked versions after freightlake erase"
  permissions_boundary = var.boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = length(var.eraser_principals) > 0 ? "Allow" : "Deny"
        Principal = { AWS = length(var.eraser_principals) > 0 ? var.eraser_principals : [local.root_arn] }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "eraser" {
  name = "erase"
  role = aws_iam_role.eraser.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindVersions"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = [for zone in local.data : local.arns[zone]]
      },
      {
        Sid      = "RemoveVersions"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion"]
        Resource = [for zone in local.data : "${local.arns[zone]}/*"]
      },
      {
        Sid      = "LiftLocks"
        Effect   = "Allow"
        Action   = ["s3:BypassGovernanceRetention", "s3:GetObjectRetention"]
        Resource = "${local.arns["raw"]}/*"
      },
      {
        Sid      = "ReadEncrypted"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.lake.arn
      },
    ]
  })
}
