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

variable "raw_lock_days" {
  description = "Governance lock of each version in raw."
  type        = number
}

variable "noncurrent_days" {
  description = "How long replaced versions of recomputable data are kept."
  type        = number
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "destroyable" {
  description = "Whether buckets with data may be destroyed."
  type        = bool
}

variable "eraser_principals" {
  description = "Who may take the eraser role."
  type        = list(string)
}

variable "boundary_arn" {
  description = "The permissions boundary of every role here."
  type        = string
}
