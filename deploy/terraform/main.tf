data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  prefix     = "${var.name}-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # What every module needs to name things and to write ARNs before they exist: policies are whole in the plan.
  context = {
    name        = var.name
    environment = var.environment
    prefix      = local.prefix
    region      = var.region
    account_id  = local.account_id
    partition   = local.partition
    ssm_path    = "/${var.name}/${var.environment}"
  }
}

module "lake" {
  source = "./modules/lake"

  context           = local.context
  raw_lock_days     = var.raw_lock_days
  noncurrent_days   = var.noncurrent_days
  log_days          = var.log_days
  destroyable       = var.destroyable
  eraser_principals = var.eraser_principals
  boundary_arn      = module.cicd.boundary_arn
}

module "network" {
  source = "./modules/network"

  context             = local.context
  vpc_cidr            = var.vpc_cidr
  availability_zone   = var.availability_zone
  nat_enabled         = var.nat_enabled
  interface_endpoints = var.interface_endpoints
  log_bucket_arn      = module.lake.bucket_arns["logs"]
}

module "compute" {
  source = "./modules/compute"

  context            = local.context
  emr                = var.emr
  buckets            = module.lake.buckets
  bucket_arns        = module.lake.bucket_arns
  key_arn            = module.lake.key_arn
  vpc_id             = module.network.vpc_id
  subnet_id          = module.network.private_subnet_id
  s3_prefix_list_id  = module.network.s3_prefix_list_id
  endpoints_group_id = module.network.endpoints_security_group_id
  boundary_arn       = module.cicd.boundary_arn
}

module "orchestration" {
  source = "./modules/orchestration"

  context            = local.context
  orchestrator       = var.orchestrator
  bucket_arns        = module.lake.bucket_arns
  key_arn            = module.lake.key_arn
  emr_role_arns      = [module.compute.service_role_arn, module.compute.instance_role_arn]
  kestra_values      = local.kestra_values
  vpc_id             = module.network.vpc_id
  subnet_id          = module.network.private_subnet_id
  s3_prefix_list_id  = module.network.s3_prefix_list_id
  endpoints_group_id = module.network.endpoints_security_group_id
  internet_by_nat    = var.nat_enabled
  lake_zones         = local.lake_zones
  artefacts_bucket   = module.lake.buckets["artefacts"]
  job_log_group      = module.observability.job_log_group
  job_log_group_arn  = module.observability.job_log_group_arn
  alarm_topic_arn    = module.observability.topic_arn
  boundary_arn       = module.cicd.boundary_arn
}

module "cicd" {
  source = "./modules/cicd"

  context       = local.context
  github        = var.github
  bucket_arns   = module.lake.bucket_arns
  key_arn       = module.lake.key_arn
  state_bucket  = var.state_bucket
  state_key_arn = var.state_key_arn
}

module "observability" {
  source = "./modules/observability"

  context             = local.context
  key_arn             = module.lake.key_arn
  buckets             = module.lake.buckets
  log_days            = var.log_days
  alert_emails        = var.alert_emails
  monthly_budget_usd  = var.monthly_budget_usd
  standing_cluster_id = module.compute.standing_cluster_id
  standing            = var.emr.standing
  machine             = var.orchestrator != null
}
