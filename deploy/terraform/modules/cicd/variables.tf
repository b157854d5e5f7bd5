variable "context" {
  description = "Names and places, from the root."
  type = object({
    name        = string
    environment = string
    prefix      = string
    region      = string
    account_id  = string
    partition   = string
    ssm_path    = string
  })
}

variable "github" {
  description = "Repository, branch and environment, as in the root."
  type = object({
    repository           = string
    branch               = string
    environment          = string
    create_oidc_provider = bool
  })
}

variable "bucket_arns" {
  description = "ARNs of the buckets by zone."
  type        = map(string)
}

variable "key_arn" {
  description = "The KMS key of data, logs and parameters."
  type        = string
}

variable "state_bucket" {
  description = "The bucket of the state."
  type        = string
}

variable "state_key_arn" {
  description = "The KMS key of the state bucket."
  type        = string
}
