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

variable "key_arn" {
  description = "The KMS key of data, logs and parameters."
  type        = string
}

variable "buckets" {
  description = "Names of the buckets by zone."
  type        = map(string)
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "alert_emails" {
  description = "Who is told."
  type        = list(string)
}

variable "monthly_budget_usd" {
  description = "What a month may cost."
  type        = number
}

variable "machine" {
  description = "Whether there is a machine whose jobs log here."
  type        = bool
}

variable "standing" {
  description = "Whether Terraform keeps a cluster."
  type        = bool
}

variable "standing_cluster_id" {
  description = "The cluster that Terraform keeps, or null."
  type        = string
}
