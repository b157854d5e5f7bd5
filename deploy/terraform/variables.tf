variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "freightlake"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name has 2 to 20 lower-case letters, digits and '-', and begins with a letter: bucket names are made of it."
  }
}

variable "environment" {
  description = "dev, prod or another short word: part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "The environment has 2 to 10 lower-case letters and digits, and begins with a letter."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
}

variable "vpc_cidr" {
  description = "The addresses of the VPC, a /16 to /22."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 22, false)
    error_message = "vpc_cidr must be an IPv4 network of /16 to /22, such as 10.0.0.0/16."
  }
}

variable "availability_zone" {
  description = "The one zone that has the subnets: a cluster lies in a single zone, and traffic between zones is paid for."
  type        = string
}

variable "nat_enabled" {
  description = "Whether the private subnet reaches the internet (container images, webhooks). AWS services are reached without it."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services with an interface endpoint in the private subnet; S3 has a gateway endpoint that costs nothing."
  type        = set(string)
  default     = ["ec2messages", "elasticmapreduce", "kms", "logs", "monitoring", "ssm", "ssmmessages", "sts"]
}

variable "raw_lock_days" {
  description = "How long a version of an object in raw is locked (governance mode: only the eraser role may remove it)."
  type        = number
  default     = 365

  validation {
    condition     = var.raw_lock_days >= 1 && var.raw_lock_days <= 3650 && floor(var.raw_lock_days) == var.raw_lock_days
    error_message = "raw_lock_days must be a whole number from 1 to 3650."
  }
}

variable "noncurrent_days" {
  description = "How long replaced versions are kept where data can be recomputed (processed, quarantine, marts)."
  type        = number
  default     = 7

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 90
    error_message = "noncurrent_days must be 1 to 90."
  }
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days must be one of CloudWatch's terms of at least a year: 365, 400, 545, 731, 1096, ..."
  }
}

variable "destroyable" {
  description = "Whether terraform destroy may remove buckets that still hold data. Locked versions in raw stay all the same."
  type        = bool
  default     = false

  validation {
    condition     = !(var.destroyable && var.environment == "prod")
    error_message = "prod must not be destroyable: empty its buckets first, on purpose."
  }
}

variable "emr" {
  description = "The cluster: release, machines, spot capacity, and after how many idle seconds it ends."
  type = object({
    release_label        = optional(string, "emr-7.9.0")
    primary_type         = optional(string, "m6g.xlarge")
    core_type            = optional(string, "m6g.xlarge")
    core_count           = optional(number, 1)
    task_types           = optional(list(string), ["m6g.xlarge", "m6gd.xlarge", "m7g.xlarge"])
    task_count           = optional(number, 2)
    volume_gb            = optional(number, 64)
    idle_timeout_seconds = optional(number, 900)
    standing             = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^emr-7\\.[0-9]+\\.[0-9]+$", var.emr.release_label))
    error_message = "release_label must be an EMR 7 (Spark 3.5): marts mean other things in another Spark."
  }

  validation {
    condition     = var.emr.idle_timeout_seconds >= 60 && var.emr.idle_timeout_seconds <= 604800
    error_message = "idle_timeout_seconds must be 60 to 604800."
  }

  validation {
    condition     = var.emr.core_count >= 1 && var.emr.task_count >= 0 && length(var.emr.task_types) >= 1
    error_message = "A cluster has at least one core node and names at least one type of task node."
  }
}

variable "orchestrator" {
  description = "The machine for Kestra and freightlake in the private subnet; null for none."
  type = object({
    instance_type = optional(string, "m7i.large")
    image_id      = string
    volume_gb     = optional(number, 50)
  })
  default = null

  validation {
    condition     = var.orchestrator == null || var.nat_enabled
    error_message = "The orchestrator's machine installs itself from Debian's archive: set nat_enabled = true."
  }
}

variable "eraser_principals" {
  description = "ARNs of the roles or users that may take the eraser role."
  type        = list(string)
  default     = []
}

variable "alert_emails" {
  description = "Who is told of alarms and of the budget."
  type        = list(string)

  validation {
    condition     = length(var.alert_emails) >= 1 && alltrue([for e in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", e))])
    error_message = "At least one e-mail address is wanted: an alarm that nobody reads is none."
  }
}

variable "monthly_budget_usd" {
  description = "What a month may cost."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "github" {
  description = "The repository whose workflows plan, apply and deploy; environment is GitHub's, where the approval stands."
  type = object({
    repository           = string
    branch               = optional(string, "main")
    environment          = string
    create_oidc_provider = optional(bool, true)
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github.repository))
    error_message = "repository must be OWNER/NAME, without wildcards."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]+$", var.github.branch)) && can(regex("^[A-Za-z0-9_-]+$", var.github.environment))
    error_message = "branch and environment must be plain names, without wildcards."
  }
}

variable "state_bucket" {
  description = "The bucket of the state, from bootstrap/."
  type        = string
}

variable "state_key_arn" {
  description = "The KMS key of the state bucket, from bootstrap/."
  type        = string
}
