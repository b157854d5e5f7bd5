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

variable "bucket_arns" {
  description = "ARNs of the buckets by zone."
  type        = map(string)
}

variable "key_arn" {
  description = "The KMS key of data, logs and parameters."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_id" {
  description = "The private subnet."
  type        = string
}

variable "s3_prefix_list_id" {
  description = "The addresses of S3."
  type        = string
}

variable "endpoints_group_id" {
  description = "The security group of the interface endpoints."
  type        = string
}

variable "orchestrator" {
  description = "The machine, as in the root; null for none."
  type = object({
    instance_type = string
    image_id      = string
    volume_gb     = number
  })
}

variable "emr_role_arns" {
  description = "The roles that may be given to a cluster."
  type        = list(string)
}

variable "kestra_values" {
  description = "What the flows read: a value for each key of Kestra's KV store."
  type        = map(string)
}

variable "internet_by_nat" {
  description = "Whether the machine may reach the internet by HTTPS."
  type        = bool
}

variable "lake_zones" {
  description = "Where the zones of the lake lie."
  type        = map(string)
}

variable "artefacts_bucket" {
  description = "The bucket that has the package."
  type        = string
}

variable "job_log_group" {
  description = "The log group of jobs, by name."
  type        = string
}

variable "job_log_group_arn" {
  description = "The log group of jobs."
  type        = string
}

variable "alarm_topic_arn" {
  description = "Who is told when the machine fails."
  type        = string
}

variable "boundary_arn" {
  description = "The permissions boundary of every role here."
  type        = string
}
