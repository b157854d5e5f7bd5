output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.main.id
}

output "private_subnet_id" {
  description = "The subnet of all compute."
  value       = aws_subnet.private.id
}

output "s3_prefix_list_id" {
  description = "The addresses of S3, for security groups."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "endpoints_security_group_id" {
  description = "The group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}
