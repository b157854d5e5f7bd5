# Three roles for GitHub's workflows, each taken by a token that GitHub signs (OIDC): there is no key to steal.
#
#   plan    pull requests, and the branch before an approval: reads what Terraform reads and the state; no secret, no data,
#           no write
#   apply   the environment behind an approval: makes and changes what carries our prefix, roles within the boundary
#   deploy  the same environment: writes artefacts (packages, the Spark job, flows) and nothing else
#
# A token's subject names `pull_request`, a branch, or `environment:NAME`, and GitHub lets only the branches that the
# environment allows into it; `job_workflow_ref` holds all but a pull request to workflow files as they are on the branch.
# These roles, their policies and the boundary are changed by a person: the role that applies may not.

locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = "arn:${var.context.partition}:iam::${var.context.account_id}:oidc-provider/${local.issuer}"
  subject      = "repo:${var.github.repository}"
  workflows    = "${var.github.repository}/.github/workflows"

  state_arn  = "arn:${var.context.partition}:s3:::${var.state_bucket}"
  state_file = "${local.state_arn}/${var.context.name}/${var.context.environment}/terraform.tfstate"

  trust = {
    plan = [
      { subject = "${local.subject}:pull_request", workflow = null },
      { subject = "${local.subject}:ref:refs/heads/${var.github.branch}", workflow = "infra" },
    ]
    apply  = [{ subject = "${local.subject}:environment:${var.github.environment}", workflow = "infra" }]
    deploy = [{ subject = "${local.subject}:environment:${var.github.environment}", workflow = "deploy" }]
  }
}

# One a whole account: a second environment in it sets create_oidc_provider = false.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github.create_oidc_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "workflow" {
  for_each = local.trust

  name                 = "${var.context.prefix}-ci-${each.key}"
  description          = "GitHub Actions: ${each.key}"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for token in each.value : {
        Effect    = "Allow"
        Principal = { Federated = local.provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = merge(
            {
              "${local.issuer}:aud" = "sts.amazonaws.com"
              "${local.issuer}:sub" = token.subject
            },
            token.workflow == null ? {} : { "${local.issuer}:job_workflow_ref" = "${local.workflows}/${token.workflow}.yml@refs/heads/${var.github.branch}" },
          )
        }
      }
    ]
  })

  depends_on = [aws_iam_openid_connect_provider.github]
}

# What both plan and apply read; as inline policies of both it would be beyond what IAM takes of one role.
resource "aws_iam_policy" "look" {
  name        = "${var.context.prefix}-ci-look"
  description = "What a plan reads"
  policy      = local.look
}

resource "aws_iam_role_policy_attachment" "look" {
  for_each = toset(["plan", "apply"])

  role       = aws_iam_role.workflow[each.key].name
  policy_arn = aws_iam_policy.look.arn
}

resource "aws_iam_role_policy" "apply" {
  name   = "change"
  role   = aws_iam_role.workflow["apply"].id
  policy = local.change
}

resource "aws_iam_role_policy" "deploy" {
  name   = "artefacts"
  role   = aws_iam_role.workflow["deploy"].id
  policy = local.deploy
}
