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

variable "vpc_cidr" {
  description = "The addresses of the VPC."
  type        = string
}

variable "availability_zone" {
  description = "The zone of the subnets."
  type        = string
}

variable "nat_enabled" {
  description = "Whether the private subnet reaches the internet."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS services with an interface endpoint."
  type        = set(string)
}

variable "log_bucket_arn" {
  description = "Where flow logs go."
  type        = string
}
