# The three groups of a cluster in a private subnet.  EMR adds rules that it misses to the groups it is given; these are
# the ones it wants, and no group has a rule from or to the world.

locals {
  node_groups = { primary = "EMR primary node", worker = "EMR core and task nodes" }
  node_pairs  = { for pair in setproduct(keys(local.node_groups), keys(local.node_groups)) : "${pair[0]}-${pair[1]}" => { from = pair[0], to = pair[1] } }
}

resource "aws_security_group" "node" {
  for_each = local.node_groups

  name                   = "${var.context.prefix}-emr-${each.key}"
  description            = each.value
  vpc_id                 = var.vpc_id
  revoke_rules_on_delete = true

  tags = merge(local.emr_tag, { Name = "${var.context.prefix}-emr-${each.key}" })
}

resource "aws_security_group" "service" {
  name                   = "${var.context.prefix}-emr-service"
  description            = "EMR's service access to the nodes"
  vpc_id                 = var.vpc_id
  revoke_rules_on_delete = true

  tags = merge(local.emr_tag, { Name = "${var.context.prefix}-emr-service" })
}

resource "aws_vpc_security_group_ingress_rule" "node" {
  for_each = local.node_pairs

  security_group_id            = aws_security_group.node[each.value.to].id
  referenced_security_group_id = aws_security_group.node[each.value.from].id
  description                  = "Nodes among each other"
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "node" {
  for_each = local.node_pairs

  security_group_id            = aws_security_group.node[each.value.from].id
  referenced_security_group_id = aws_security_group.node[each.value.to].id
  description                  = "Nodes among each other"
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "node_s3" {
  for_each = local.node_groups

  security_group_id = aws_security_group.node[each.key].id
  prefix_list_id    = var.s3_prefix_list_id
  description       = "S3 through the gateway endpoint"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "node_endpoints" {
  for_each = local.node_groups

  security_group_id            = aws_security_group.node[each.key].id
  referenced_security_group_id = var.endpoints_group_id
  description                  = "AWS services through interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "node_service" {
  security_group_id            = aws_security_group.node["primary"].id
  referenced_security_group_id = aws_security_group.service.id
  description                  = "The primary node answers EMR"
  ip_protocol                  = "tcp"
  from_port                    = 9443
  to_port                      = 9443
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  security_group_id            = aws_security_group.service.id
  referenced_security_group_id = aws_security_group.node["primary"].id
  description                  = "The primary node answers EMR"
  ip_protocol                  = "tcp"
  from_port                    = 9443
  to_port                      = 9443
}

resource "aws_vpc_security_group_egress_rule" "service" {
  for_each = local.node_groups

  security_group_id            = aws_security_group.service.id
  referenced_security_group_id = aws_security_group.node[each.key].id
  description                  = "EMR manages the nodes"
  ip_protocol                  = "tcp"
  from_port                    = 8443
  to_port                      = 8443
}

resource "aws_vpc_security_group_ingress_rule" "node_service" {
  for_each = local.node_groups

  security_group_id            = aws_security_group.node[each.key].id
  referenced_security_group_id = aws_security_group.service.id
  description                  = "EMR manages the nodes"
  ip_protocol                  = "tcp"
  from_port                    = 8443
  to_port                      = 8443
}
