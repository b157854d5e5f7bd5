# A place to try things: small, destroyable, without machine and without internet.  Replace what is in capitals.
environment       = "dev"
region            = "eu-central-1"
availability_zone = "eu-central-1a"

raw_lock_days = 1
destroyable   = true
nat_enabled   = false

interface_endpoints = ["elasticmapreduce", "kms", "sts"]

emr = {
  core_count = 1
  task_count = 1
}

alert_emails       = ["ops@example.com"]
monthly_budget_usd = 50

github = {
  repository  = "OWNER/freightlake"
  environment = "dev"
}

state_bucket  = "freightlake-state-ACCOUNT"
state_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
