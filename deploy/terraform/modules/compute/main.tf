# What an EMR cluster needs to exist for an hour a day, and optionally a cluster that Terraform itself keeps.
#
# The daily flow makes its own cluster and ends it, so by default no cluster is a resource: roles, security groups and the
# security configuration are, and `job_flow`, the whole RunJobFlow request (primary and core on demand, task nodes on
# spot with a fall back to on demand, idle timeout).  boto3's run_job_flow takes it as it is.  With
# emr.standing the same cluster is a resource, for days of backfill; it ends itself after the idle timeout all the same.

locals {
  security_configuration = "${var.context.prefix}-emr"
  instance_role_name     = "${var.context.prefix}-emr-node"
  log_uri                = "s3://${var.buckets["logs"]}/emr/"

  # AWS's managed policy for EMR's service role acts only on what carries this tag.
  emr_tag = { "for-use-with-amazon-emr-managed-policies" = "true" }

  spark_defaults = {
    "spark.sql.session.timeZone" = "UTC"
    "spark.sql.ansi.enabled"     = "false"
  }

  job_flow = {
    Name                  = "${var.context.prefix}-marts"
    ReleaseLabel          = var.emr.release_label
    LogUri                = local.log_uri
    Applications          = [{ Name = "Spark" }]
    ServiceRole           = aws_iam_role.service.name
    JobFlowRole           = aws_iam_instance_profile.node.name
    SecurityConfiguration = aws_emr_security_configuration.main.name
    VisibleToAllUsers     = true
    EbsRootVolumeSize     = 20
    AutoTerminationPolicy = { IdleTimeout = var.emr.idle_timeout_seconds }
    Configurations        = [{ Classification = "spark-defaults", Properties = local.spark_defaults }]
    Tags = [
      for key, value in merge(local.emr_tag, { Project = var.context.name, Environment = var.context.environment }) :
      { Key = key, Value = value }
    ]

    Instances = {
      Ec2SubnetIds                  = [var.subnet_id]
      EmrManagedMasterSecurityGroup = aws_security_group.node["primary"].id
      EmrManagedSlaveSecurityGroup  = aws_security_group.node["worker"].id
      ServiceAccessSecurityGroup    = aws_security_group.service.id
      KeepJobFlowAliveWhenNoSteps   = true
      TerminationProtected          = false
      InstanceFleets = [
        {
          InstanceFleetType      = "MASTER"
          TargetOnDemandCapacity = 1
          InstanceTypeConfigs    = [{ InstanceType = var.emr.primary_type, EbsConfiguration = local.volumes }]
        },
        {
          InstanceFleetType      = "CORE"
          TargetOnDemandCapacity = var.emr.core_count
          InstanceTypeConfigs    = [{ InstanceType = var.emr.core_type, EbsConfiguration = local.volumes }]
        },
        {
          InstanceFleetType  = "TASK"
          TargetSpotCapacity = var.emr.task_count
          LaunchSpecifications = {
            SpotSpecification = {
              AllocationStrategy     = "price-capacity-optimized"
              TimeoutAction          = "SWITCH_TO_ON_DEMAND"
              TimeoutDurationMinutes = 10
            }
          }
          InstanceTypeConfigs = [
            for type in var.emr.task_types :
            { InstanceType = type, WeightedCapacity = 1, BidPriceAsPercentageOfOnDemandPrice = 100, EbsConfiguration = local.volumes }
          ]
        },
      ]
    }
  }

  volumes = {
    EbsBlockDeviceConfigs = [{ VolumesPerInstance = 1, VolumeSpecification = { VolumeType = "gp3", SizeInGB = var.emr.volume_gb } }]
  }
}

resource "aws_emr_security_configuration" "main" {
  #checkov:skip=CKV_AWS_351:the nodes talk inside one private subnet under their own groups; encryption in transit wants certificates that nobody would renew for a cluster of an hour
  name = local.security_configuration

  configuration = jsonencode({
    EncryptionConfiguration = {
      EnableAtRestEncryption    = true
      EnableInTransitEncryption = false
      AtRestEncryptionConfiguration = {
        S3EncryptionConfiguration = {
          EncryptionMode = "SSE-KMS"
          AwsKmsKey      = var.key_arn
        }
        LocalDiskEncryptionConfiguration = {
          EncryptionKeyProviderType = "AwsKms"
          AwsKmsKey                 = var.key_arn
          EnableEbsEncryption       = true
        }
      }
    }
    InstanceMetadataServiceConfiguration = {
      MinimumInstanceMetadataServiceVersion = 2
      HttpPutResponseHopLimit               = 2
    }
  })
}

resource "aws_emr_cluster" "standing" {
  count = var.emr.standing ? 1 : 0

  name                              = local.job_flow.Name
  release_label                     = var.emr.release_label
  applications                      = ["Spark"]
  service_role                      = aws_iam_role.service.arn
  security_configuration            = aws_emr_security_configuration.main.name
  log_uri                           = local.log_uri
  keep_job_flow_alive_when_no_steps = true
  termination_protection            = false
  ebs_root_volume_size              = 20
  configurations_json               = jsonencode(local.job_flow.Configurations)

  ec2_attributes {
    subnet_id                         = var.subnet_id
    instance_profile                  = aws_iam_instance_profile.node.arn
    emr_managed_master_security_group = aws_security_group.node["primary"].id
    emr_managed_slave_security_group  = aws_security_group.node["worker"].id
    service_access_security_group     = aws_security_group.service.id
  }

  master_instance_fleet {
    target_on_demand_capacity = 1

    instance_type_configs {
      instance_type = var.emr.primary_type
    }
  }

  core_instance_fleet {
    target_on_demand_capacity = var.emr.core_count

    instance_type_configs {
      instance_type = var.emr.core_type

      ebs_config {
        size                 = var.emr.volume_gb
        type                 = "gp3"
        volumes_per_instance = 1
      }
    }
  }

  auto_termination_policy {
    idle_timeout = var.emr.idle_timeout_seconds
  }

  tags = local.emr_tag

  depends_on = [aws_iam_role_policy.node, aws_iam_role_policy.service, aws_iam_role_policy_attachment.service]
}

resource "aws_emr_instance_fleet" "task" {
  count = var.emr.standing ? 1 : 0

  cluster_id           = aws_emr_cluster.standing[0].id
  name                 = "task"
  target_spot_capacity = var.emr.task_count

  dynamic "instance_type_configs" {
    for_each = var.emr.task_types

    content {
      instance_type                              = instance_type_configs.value
      weighted_capacity                          = 1
      bid_price_as_percentage_of_on_demand_price = 100

      ebs_config {
        size                 = var.emr.volume_gb
        type                 = "gp3"
        volumes_per_instance = 1
      }
    }
  }

  launch_specifications {
    spot_specification {
      allocation_strategy      = "price-capacity-optimized"
      timeout_action           = "SWITCH_TO_ON_DEMAND"
      timeout_duration_minutes = 10
    }
  }
}
