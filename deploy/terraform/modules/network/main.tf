# One VPC, one private subnet for all compute, nothing that lets the world in.
#
# S3 is reached through a gateway endpoint (free); the AWS APIs that the orchestrator and EMR's nodes call through
# interface endpoints (each about 7 USD a month), so no machine needs the internet for AWS's sake.  A NAT gateway, and the
# public subnet it stands in, exist only where containers or webhooks want the internet (nat_enabled).

locals {
  private_cidr = cidrsubnet(var.vpc_cidr, 4, 0)
  public_cidr  = cidrsubnet(var.vpc_cidr, 6, 63)
}

resource "aws_vpc" "main" {
  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = {
    Name                                       = var.context.prefix
    "for-use-with-amazon-emr-managed-policies" = "true"
  }
}

# The group that everything gets which names none: it allows nothing.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id
}

resource "aws_flow_log" "vpc" {
  vpc_id               = aws_vpc.main.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "${var.log_bucket_arn}/vpc/"
}

resource "aws_subnet" "private" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = local.private_cidr
  availability_zone       = var.availability_zone
  map_public_ip_on_launch = false

  tags = {
    Name                                       = "${var.context.prefix}-private"
    "for-use-with-amazon-emr-managed-policies" = "true"
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${var.context.prefix}-private" }
}

resource "aws_route_table_association" "private" {
  subnet_id      = aws_subnet.private.id
  route_table_id = aws_route_table.private.id
}

# The buckets of this account, and those of AWS that EMR and Amazon Linux install from, which no one else may be
# sent data by: writing goes to this account's buckets alone.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${var.context.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OurBuckets"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
        Resource  = "arn:${var.context.partition}:s3:::${var.context.prefix}-*/*"
        Condition = { StringEquals = { "aws:ResourceAccount" = var.context.account_id } }
      },
      {
        Sid       = "OurListings"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource  = "arn:${var.context.partition}:s3:::${var.context.prefix}-*"
        Condition = { StringEquals = { "aws:ResourceAccount" = var.context.account_id } }
      },
      {
        Sid       = "AwsPackages"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource = [
          for bucket in [
            "al2023-repos-${var.context.region}-*",
            "amazonlinux-2-repos-${var.context.region}",
            "repo.${var.context.region}.emr.amazonaws.com",
            "${var.context.region}.elasticmapreduce",
            "prod.${var.context.region}.appinfo.src",
            "amazon-ssm-${var.context.region}",
            "amazoncloudwatch-agent-${var.context.region}",
          ] : "arn:${var.context.partition}:s3:::${bucket}/*"
        ]
      },
    ]
  })

  tags = { Name = "${var.context.prefix}-s3" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.context.prefix}-endpoints"
  description = "Interface endpoints of AWS services: HTTPS from the private subnet"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${var.context.prefix}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the private subnet"
  cidr_ipv4         = local.private_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "service" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.main.id
  service_name        = "com.amazonaws.${var.context.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [aws_subnet.private.id]
  security_group_ids  = [aws_security_group.endpoints.id]

  tags = { Name = "${var.context.prefix}-${each.key}" }
}

resource "aws_internet_gateway" "nat" {
  count = var.nat_enabled ? 1 : 0

  vpc_id = aws_vpc.main.id

  tags = { Name = var.context.prefix }
}

resource "aws_subnet" "public" {
  count = var.nat_enabled ? 1 : 0

  vpc_id                  = aws_vpc.main.id
  cidr_block              = local.public_cidr
  availability_zone       = var.availability_zone
  map_public_ip_on_launch = false

  tags = { Name = "${var.context.prefix}-nat" }
}

resource "aws_route_table" "public" {
  count = var.nat_enabled ? 1 : 0

  vpc_id = aws_vpc.main.id

  tags = { Name = "${var.context.prefix}-nat" }
}

resource "aws_route" "public" {
  count = var.nat_enabled ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.nat[0].id
}

resource "aws_route_table_association" "public" {
  count = var.nat_enabled ? 1 : 0

  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  count = var.nat_enabled ? 1 : 0

  domain = "vpc"

  tags = { Name = "${var.context.prefix}-nat" }
}

resource "aws_nat_gateway" "main" {
  count = var.nat_enabled ? 1 : 0

  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[0].id

  tags = { Name = var.context.prefix }

  depends_on = [aws_internet_gateway.nat]
}

resource "aws_route" "private" {
  count = var.nat_enabled ? 1 : 0

  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[0].id
}
