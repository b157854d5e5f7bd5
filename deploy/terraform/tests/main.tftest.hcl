# What must hold in every environment.  Runs without AWS: the provider is mocked.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  environment        = "test"
  region             = "eu-central-1"
  availability_zone  = "eu-central-1a"
  alert_emails       = ["ops@example.com"]
  monthly_budget_usd = 50
  state_bucket       = "states"
  state_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/1"
  github             = { repository = "owner/freightlake", environment = "test" }
}

run "defaults" {
  command = plan

  assert {
    condition     = output.lake_zones.raw == "s3://freightlake-test-raw-123456789012/raw" && output.lake_zones.marts == "s3://freightlake-test-marts-123456789012/marts"
    error_message = "The zones lie in buckets of their own, whose names have the account."
  }

  assert {
    condition     = output.kestra_values.lake == "s3://freightlake-test-processed-123456789012/lake"
    error_message = "The flows find the lake."
  }

  assert {
    condition     = output.orchestrator_instance_id == null
    error_message = "No machine exists unless asked for."
  }

  assert {
    condition     = output.job_flow.AutoTerminationPolicy.IdleTimeout == 900 && output.job_flow.Instances.InstanceFleets[2].TargetSpotCapacity == 2
    error_message = "The cluster ends itself, and its task nodes are spot."
  }
}

run "all_of_it" {
  command = apply

  variables {
    nat_enabled       = true
    emr               = { standing = true, task_count = 3 }
    orchestrator      = { image_id = "ami-1" }
    eraser_principals = ["arn:aws:iam::123456789012:role/officer"]
  }

  assert {
    condition     = output.orchestrator_instance_id != null
    error_message = "The machine exists when asked for."
  }

  assert {
    condition     = output.job_flow.Instances.InstanceFleets[2].TargetSpotCapacity == 3
    error_message = "task_count is the spot capacity."
  }

  assert {
    condition     = length(output.workflow_role_arns) == 3
    error_message = "There are three roles for workflows."
  }
}

run "a_machine_reaches_debian" {
  command = plan

  variables {
    orchestrator = { image_id = "ami-1" }
  }

  expect_failures = [var.orchestrator]
}

run "prod_is_not_destroyable" {
  command = plan

  variables {
    environment = "prod"
    destroyable = true
  }

  expect_failures = [var.destroyable]
}

run "no_wildcard_repository" {
  command = plan

  variables {
    github = { repository = "owner/*", environment = "test" }
  }

  expect_failures = [var.github]
}

run "no_other_spark" {
  command = plan

  variables {
    emr = { release_label = "emr-6.15.0" }
  }

  expect_failures = [var.emr]
}

run "someone_is_told" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [var.alert_emails]
}

run "a_network_is_a_network" {
  command = plan

  variables {
    vpc_cidr = "10.0.0.0/99"
  }

  expect_failures = [var.vpc_cidr]
}

run "logs_stay_a_year" {
  command = plan

  variables {
    log_days = 30
  }

  expect_failures = [var.log_days]
}

run "raw_is_locked" {
  command = plan

  variables {
    raw_lock_days = 0
  }

  expect_failures = [var.raw_lock_days]
}
