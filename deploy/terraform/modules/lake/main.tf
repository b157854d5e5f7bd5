# The buckets of the lake, one a zone, and the role that may erase for good.
#
#   raw        what clients sent: never changed, locked in governance mode
#   processed  the lake's root: settings, clients, staging, and the tables of shipments and of quarantine.  Quarantine
#              lies here because both tables are written in one transaction by the same role under the same rules.
#   marts      what people read
#   artefacts  packages, the Spark job, flows
#   logs       S3 access logs, VPC flow logs, EMR logs.  S3 cannot deliver access logs to a bucket that encrypts by KMS,
#              so this one encrypts with S3's own keys (AES256).
#
# Names of buckets and ARNs are computed, not read: every policy is whole in the plan and can be tested before AWS sees it.
# Every bucket is versioned, so an erased or vacuumed object lives on as a replaced version: until noncurrent_days are over,
# or until the eraser removes it.

locals {
  zones = toset(["raw", "processed", "marts", "artefacts", "logs"])
  data  = toset(["raw", "processed", "marts"])

  names = { for zone in local.zones : zone => "${var.context.prefix}-${zone}-${var.context.account_id}" }
  arns  = { for zone in local.zones : zone => "arn:${var.context.partition}:s3:::${local.names[zone]}" }

  eraser_name = "${var.context.prefix}-eraser"
  eraser_arn  = "arn:${var.context.partition}:iam::${var.context.account_id}:role/${local.eraser_name}"
  root_arn    = "arn:${var.context.partition}:iam::${var.context.account_id}:root"

  # Replaced versions: raw's stay at least as long as their lock, the others' as long as an undo may be wanted.
  noncurrent_days = {
    raw       = var.raw_lock_days
    processed = var.noncurrent_days
    marts     = var.noncurrent_days
    artefacts = 90
    logs      = 7
  }
}

resource "aws_kms_key" "lake" {
  description             = "Data, logs and parameters of ${var.context.prefix}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
}

resource "aws_kms_alias" "lake" {
  name          = "alias/${var.context.prefix}"
  target_key_id = aws_kms_key.lake.key_id
}

resource "aws_s3_bucket" "zone" {
  #checkov:skip=CKV_AWS_18:aws_s3_bucket_logging.zone logs all but the log bucket itself; checkov does not follow its for_each
  #checkov:skip=CKV_AWS_144:everything but raw is recomputed from raw; who wants raw in a second region adds replication there
  #checkov:skip=CKV_AWS_145:all but the log bucket use the KMS key; S3 cannot deliver access logs to a bucket that does
  for_each = local.zones

  bucket              = local.names[each.key]
  force_destroy       = var.destroyable
  object_lock_enabled = each.key == "raw"

  tags = { Zone = each.key }
}

resource "aws_s3_bucket_versioning" "zone" {
  for_each = local.zones

  bucket = aws_s3_bucket.zone[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "raw" {
  bucket = aws_s3_bucket.zone["raw"].id

  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.raw_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.zone]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "zone" {
  for_each = local.zones

  bucket = aws_s3_bucket.zone[each.key].id

  rule {
    bucket_key_enabled = each.key != "logs"

    apply_server_side_encryption_by_default {
      sse_algorithm     = each.key == "logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "logs" ? null : aws_kms_key.lake.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "zone" {
  for_each = local.zones

  bucket                  = aws_s3_bucket.zone[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "zone" {
  for_each = local.zones

  bucket = aws_s3_bucket.zone[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_logging" "zone" {
  for_each = setsubtract(local.zones, ["logs"])

  bucket        = aws_s3_bucket.zone[each.key].id
  target_bucket = aws_s3_bucket.zone["logs"].id
  target_prefix = "s3/${each.key}/"

  depends_on = [aws_s3_bucket_policy.zone]
}

# New objects are events: the alarms on stale tables count them, and flows may be started by them.
resource "aws_s3_bucket_notification" "zone" {
  for_each = local.zones

  bucket      = aws_s3_bucket.zone[each.key].id
  eventbridge = contains(local.data, each.key)
}

resource "aws_s3_bucket_policy" "zone" {
  for_each = local.zones

  bucket = aws_s3_bucket.zone[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.transport_statements[each.key], try(local.zone_statements[each.key], []))
  })

  depends_on = [aws_s3_bucket_public_access_block.zone]
}

# Raw is read again only by rebuild and erase, so it moves to a cheaper class; logs end.  A job renews its lease several times
# a minute, and each renewal leaves a version: those below _freightlake go after a day.
resource "aws_s3_bucket_lifecycle_configuration" "zone" {
  for_each = local.zones

  bucket = aws_s3_bucket.zone[each.key].id

  rule {
    id     = "replaced-and-unfinished"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = local.noncurrent_days[each.key]
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }

    dynamic "transition" {
      for_each = each.key == "raw" ? [90] : []

      content {
        days          = transition.value
        storage_class = "STANDARD_IA"
      }
    }

    dynamic "expiration" {
      for_each = each.key == "logs" ? [var.log_days] : []

      content {
        days = expiration.value
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "processed" ? toset(["locks", "staging", "state"]) : toset([])

    content {
      id     = "short-lived-${rule.value}"
      status = "Enabled"

      filter {
        prefix = "lake/_freightlake/${rule.value}/"
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.zone]
}
