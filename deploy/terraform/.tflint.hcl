# The core rules alone: the rule set for AWS is a plugin that is downloaded from GitHub.
plugin "terraform" {
  enabled = true
  preset  = "all"
}
