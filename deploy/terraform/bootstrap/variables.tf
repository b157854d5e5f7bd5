variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "freightlake"
}

variable "region" {
  description = "The AWS region."
  type        = string
}
