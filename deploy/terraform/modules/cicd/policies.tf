# The documents.  Reading for a plan is spelled out by service, since AWS's ReadOnlyAccess would read the lake's objects
# and the secrets, too.  Parameters are read by the path of configuration alone, and with it the key that encrypts it.

locals {
  role_arns      = "arn:${var.context.partition}:iam::${var.context.account_id}:role/${var.context.prefix}-*"
  profile_arns   = "arn:${var.context.partition}:iam::${var.context.account_id}:instance-profile/${var.context.prefix}-*"
  parameter_arns = "arn:${var.context.partition}:ssm:${var.context.region}:${var.context.account_id}:parameter${var.context.ssm_path}"
  config_arns    = "${local.parameter_arns}/kestra/*"
  bucket_arns    = "arn:${var.context.partition}:s3:::${var.context.prefix}-*"
  log_arns       = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:/${var.context.name}/${var.context.environment}/*"
  alarm_arns     = "arn:${var.context.partition}:cloudwatch:${var.context.region}:${var.context.account_id}:alarm:${var.context.prefix}-*"
  topic_arns     = "arn:${var.context.partition}:sns:${var.context.region}:${var.context.account_id}:${var.context.prefix}-*"
  rule_arns      = "arn:${var.context.partition}:events:${var.context.region}:${var.context.account_id}:rule/${var.context.prefix}-*"
  budget_arns    = "arn:${var.context.partition}:budgets::${var.context.account_id}:budget/${var.context.prefix}-*"
  cluster_arns   = "arn:${var.context.partition}:elasticmapreduce:${var.context.region}:${var.context.account_id}:cluster/*"
  policy_arns    = "arn:${var.context.partition}:iam::${var.context.account_id}:policy/${var.context.prefix}-ci-*"
  own_role_arns  = "arn:${var.context.partition}:iam::${var.context.account_id}:role/${var.context.prefix}-ci-*"
  ec2_arns       = "arn:${var.context.partition}:ec2:${var.context.region}:${var.context.account_id}:*"
  image_arns     = "arn:${var.context.partition}:ec2:${var.context.region}::image/*"
  in_region      = { StringEquals = { "aws:RequestedRegion" = var.context.region } }

  look_statements = [
    {
      # Describing EC2, EMR's configurations, alarms and keys knows no resource.
      Sid    = "DescribeInRegion"
      Effect = "Allow"
      Action = [
        "ec2:DescribeAddresses",
        "ec2:DescribeAddressesAttribute",
        "ec2:DescribeFlowLogs",
        "ec2:DescribeInstanceCreditSpecifications",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribePrefixLists",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVolumes",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "elasticmapreduce:DescribeSecurityConfiguration",
        "kms:ListAliases",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "sns:GetSubscriptionAttributes",
        "ssm:DescribeParameters",
      ]
      Resource  = "*"
      Condition = local.in_region
    },
    {
      Sid      = "LookAtMachines"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms", "ec2:DescribeInstanceAttribute", "ec2:DescribeVpcAttribute"]
      Resource = [local.alarm_arns, local.ec2_arns]
    },
    {
      Sid      = "LookAtBuckets"
      Effect   = "Allow"
      Action   = ["s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetAccelerateConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket"]
      Resource = local.bucket_arns
    },
    {
      Sid      = "LookAtRoles"
      Effect   = "Allow"
      Action   = ["iam:GetInstanceProfile", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies"]
      Resource = [local.role_arns, local.profile_arns]
    },
    {
      Sid      = "LookAtPolicies"
      Effect   = "Allow"
      Action   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
      Resource = [local.policy_arns, local.boundary_arn]
    },
    {
      Sid      = "LookAtProvider"
      Effect   = "Allow"
      Action   = "iam:GetOpenIDConnectProvider"
      Resource = local.provider_arn
    },
    {
      Sid      = "LookAtKey"
      Effect   = "Allow"
      Action   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
      Resource = var.key_arn
    },
    {
      Sid      = "ReadConfiguration"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:ListTagsForResource"]
      Resource = local.config_arns
    },
    {
      Sid       = "DecryptConfiguration"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.key_arn
      Condition = { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = local.config_arns } }
    },
    {
      Sid    = "LookAtWatch"
      Effect = "Allow"
      Action = [
        "budgets:ListTagsForResource",
        "budgets:ViewBudget",
        "cloudwatch:ListTagsForResource",
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:ListInstanceFleets",
        "events:DescribeRule",
        "events:ListTagsForResource",
        "events:ListTargetsByRule",
        "logs:DescribeMetricFilters",
        "logs:ListTagsForResource",
        "sns:GetTopicAttributes",
        "sns:ListTagsForResource",
      ]
      Resource = [local.alarm_arns, local.budget_arns, local.cluster_arns, local.log_arns, local.rule_arns, local.topic_arns, "${local.topic_arns}:*"]
    },
  ]

  state_read = [
    {
      Sid       = "FindState"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.state_arn
      Condition = { StringLike = { "s3:prefix" = "${var.context.name}/${var.context.environment}/*" } }
    },
    {
      Sid      = "ReadState"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = local.state_file
    },
    {
      Sid      = "DecryptState"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = var.state_key_arn
    },
  ]

  state_write = [
    {
      Sid      = "WriteState"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = [local.state_file, "${local.state_file}.tflock"]
    },
    {
      Sid      = "LockState"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject"]
      Resource = "${local.state_file}.tflock"
    },
    {
      Sid      = "EncryptState"
      Effect   = "Allow"
      Action   = "kms:GenerateDataKey"
      Resource = var.state_key_arn
    },
  ]

  change_statements = [
    {
      Sid    = "Network"
      Effect = "Allow"
      Action = [
        "ec2:AllocateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway",
        "ec2:CreateRoute", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateTags",
        "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway", "ec2:DeleteNatGateway",
        "ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags",
        "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateAddress",
        "ec2:DisassociateRouteTable", "ec2:ModifyInstanceAttribute", "ec2:ModifySecurityGroupRules",
        "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:MonitorInstances",
        "ec2:ReleaseAddress", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:RunInstances",
        "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances",
      ]
      Resource = [local.ec2_arns, local.image_arns]
    },
    {
      # These know no resource.
      Sid    = "ChangeInRegion"
      Effect = "Allow"
      Action = [
        "elasticmapreduce:CreateSecurityConfiguration", "elasticmapreduce:DeleteSecurityConfiguration",
        "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DeleteResourcePolicy", "logs:PutResourcePolicy",
        "sns:Unsubscribe",
      ]
      Resource  = "*"
      Condition = local.in_region
    },
    {
      Sid    = "Buckets"
      Effect = "Allow"
      Action = [
        "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketLogging", "s3:PutBucketNotification",
        "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
      ]
      Resource = local.bucket_arns
    },
    {
      # A role gets rights only while the boundary holds it.
      Sid       = "RolesWithinTheBoundary"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = local.role_arns
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
    },
    {
      Sid      = "OnlyTheseManagedPolicies"
      Effect   = "Allow"
      Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
      Resource = local.role_arns
      Condition = {
        StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn }
        ArnEquals = {
          "iam:PolicyARN" = [
            "arn:${var.context.partition}:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2",
            "arn:${var.context.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore",
          ]
        }
      }
    },
    {
      # None of these gives a role a right; IAM knows no boundary for them.
      Sid    = "RolesOtherwise"
      Effect = "Allow"
      Action = [
        "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:DeleteRole",
        "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole", "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole", "iam:UpdateRoleDescription",
      ]
      Resource = [local.role_arns, local.profile_arns]
    },
    {
      # What holds the workflows is a person's to change, whatever else is allowed here.
      Sid    = "NotTheWorkflowsThemselves"
      Effect = "Deny"
      Action = [
        "iam:Add*", "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:PassRole", "iam:Put*", "iam:Remove*",
        "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*",
      ]
      Resource = [local.own_role_arns, local.policy_arns, local.boundary_arn, local.provider_arn]
    },
    {
      Sid      = "BoundariesStay"
      Effect   = "Deny"
      Action   = "iam:DeleteRolePermissionsBoundary"
      Resource = local.role_arns
    },
    {
      Sid       = "GiveRoles"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = local.role_arns
      Condition = { StringEquals = { "iam:PassedToService" = ["ec2.amazonaws.com", "elasticmapreduce.amazonaws.com"] } }
    },
    {
      # A key has no name before it exists.
      Sid       = "MakeKey"
      Effect    = "Allow"
      Action    = "kms:CreateKey"
      Resource  = "*"
      Condition = local.in_region
    },
    {
      Sid    = "Key"
      Effect = "Allow"
      Action = [
        "kms:CreateAlias", "kms:DeleteAlias", "kms:EnableKeyRotation", "kms:Encrypt", "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
      ]
      Resource = [var.key_arn, "arn:${var.context.partition}:kms:${var.context.region}:${var.context.account_id}:alias/${var.context.prefix}"]
    },
    {
      Sid       = "EncryptTheMachinesDisk"
      Effect    = "Allow"
      Action    = ["kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext"]
      Resource  = var.key_arn
      Condition = { StringEquals = { "kms:ViaService" = "ec2.${var.context.region}.amazonaws.com" } }
    },
    {
      Sid      = "Configuration"
      Effect   = "Allow"
      Action   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
      Resource = local.config_arns
    },
    {
      Sid    = "Watch"
      Effect = "Allow"
      Action = [
        "budgets:ModifyBudget", "budgets:TagResource", "cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource", "events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
        "events:TagResource", "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup",
        "logs:DeleteMetricFilter", "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:TagResource",
        "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource",
      ]
      Resource = [local.alarm_arns, local.budget_arns, local.log_arns, local.rule_arns, local.topic_arns, "${local.topic_arns}:*"]
    },
    {
      # A standing cluster is made under its tags and changed by them.
      Sid       = "StartClusters"
      Effect    = "Allow"
      Action    = "elasticmapreduce:RunJobFlow"
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestTag/Project" = var.context.name } }
    },
    {
      Sid       = "TagClusters"
      Effect    = "Allow"
      Action    = "elasticmapreduce:AddTags"
      Resource  = local.cluster_arns
      Condition = { StringEquals = { "aws:RequestTag/Project" = var.context.name } }
    },
    {
      Sid       = "ChangeClusters"
      Effect    = "Allow"
      Action    = ["elasticmapreduce:AddInstanceFleet", "elasticmapreduce:ModifyInstanceFleet", "elasticmapreduce:PutAutoTerminationPolicy", "elasticmapreduce:SetTerminationProtection", "elasticmapreduce:TerminateJobFlows"]
      Resource  = local.cluster_arns
      Condition = { StringEquals = { "aws:ResourceTag/Project" = var.context.name } }
    },
  ]

  deploy_statements = [
    {
      Sid      = "ListArtefacts"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = var.bucket_arns["artefacts"]
    },
    {
      Sid      = "WriteArtefacts"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = [for folder in ["flows", "jobs", "packages"] : "${var.bucket_arns["artefacts"]}/${folder}/*"]
    },
    {
      Sid       = "EncryptArtefacts"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = var.key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${var.context.region}.amazonaws.com" } }
    },
  ]

  look   = jsonencode({ Version = "2012-10-17", Statement = concat(local.look_statements, local.state_read) })
  change = jsonencode({ Version = "2012-10-17", Statement = concat(local.change_statements, local.state_write) })
  deploy = jsonencode({ Version = "2012-10-17", Statement = local.deploy_statements })
}
