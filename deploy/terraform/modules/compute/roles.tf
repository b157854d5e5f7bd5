# EMR's service role makes the machines, by AWS's own policy (version 2, held to tagged resources); the nodes' role reads
# what a job reads and writes what it writes, and nothing else: it sees neither raw nor the marts.

resource "aws_iam_role" "service" {
  name                 = "${var.context.prefix}-emr-service"
  description          = "EMR makes and ends the machines of a cluster"
  permissions_boundary = var.boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "elasticmapreduce.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = var.context.account_id }
          ArnLike      = { "aws:SourceArn" = "arn:${var.context.partition}:elasticmapreduce:${var.context.region}:${var.context.account_id}:*" }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "service" {
  role       = aws_iam_role.service.name
  policy_arn = "arn:${var.context.partition}:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
}

resource "aws_iam_role_policy" "service" {
  name = "nodes"
  role = aws_iam_role.service.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "GiveNodesTheirRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.node.arn
        Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
      },
      {
        Sid      = "EncryptDisks"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        Resource = var.key_arn
      },
      {
        Sid       = "GrantDisks"
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = var.key_arn
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
}

resource "aws_iam_role" "node" {
  name                 = local.instance_role_name
  description          = "What a Spark job on EMR may read and write"
  permissions_boundary = var.boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "ec2.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_instance_profile" "node" {
  name = local.instance_role_name
  role = aws_iam_role.node.name
}

resource "aws_iam_role_policy" "node" {
  name = "spark-job"
  role = aws_iam_role.node.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ListLake"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = var.bucket_arns["processed"]
        Condition = { StringLike = { "s3:prefix" = ["lake/processed/*", "lake/_freightlake/staging*"] } }
      },
      {
        Sid      = "ReadShipments"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.bucket_arns["processed"]}/lake/processed/*"
      },
      {
        Sid      = "StageMarts"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
        Resource = "${var.bucket_arns["processed"]}/lake/_freightlake/staging/*"
      },
      {
        Sid      = "ReadJob"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.bucket_arns["artefacts"]}/jobs/*"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${var.bucket_arns["logs"]}/emr/*"
      },
      {
        Sid       = "ListLogs"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = var.bucket_arns["logs"]
        Condition = { StringLike = { "s3:prefix" = "emr/*" } }
      },
      {
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = var.key_arn
      },
    ]
  })
}
