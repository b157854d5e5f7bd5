# The platform in earnest.  Replace what is in capitals and the image.
environment       = "prod"
region            = "eu-central-1"
availability_zone = "eu-central-1a"
vpc_cidr          = "10.1.0.0/16"

raw_lock_days = 365
nat_enabled   = true

emr = {
  core_count = 2
  task_count = 4
}

orchestrator = {
  instance_type = "m7i.large"
  # Debian 12: aws ssm get-parameter --name /aws/service/debian/release/12/latest/amd64
  image_id = "ami-00000000000000000"
}

alert_emails       = ["ops@example.com"]
monthly_budget_usd = 500

github = {
  repository           = "OWNER/freightlake"
  environment          = "prod"
  create_oidc_provider = true
}

state_bucket  = "freightlake-state-ACCOUNT"
state_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
