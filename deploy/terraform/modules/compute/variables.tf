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

variable "buckets" {
  description = "Names of the buckets by zone."
  type        = map(string)
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

variable "emr" {
  description = "The cluster, as in the root."
  type = object({
    release_label        = string
    primary_type         = string
    core_type            = string
    core_count           = number
    task_types           = list(string)
    task_count           = number
    volume_gb            = number
    idle_timeout_seconds = number
    standing             = bool
  })
}

variable "boundary_arn" {
  description = "The permissions boundary of every role here."
  type        = string
}
