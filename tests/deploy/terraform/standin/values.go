// Values of computed attributes: unknown in a plan, made from the configuration in an apply, the same each time.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
)

type stage int

const (
	planning stage = iota
	applying
)

// derived has the computed attributes whose form others rely on, such as a bucket's ARN in a policy: a pattern, and the
// attribute that it is made from.
var derived = map[string][2]string{
	"aws_s3_bucket.id":             {"%s", "bucket"},
	"aws_s3_bucket.arn":            {"arn:aws:s3:::%s", "bucket"},
	"aws_iam_role.id":              {"%s", "name"},
	"aws_iam_role.arn":             {"arn:aws:iam::" + account + ":role/%s", "name"},
	"aws_iam_policy.arn":           {"arn:aws:iam::" + account + ":policy/%s", "name"},
	"aws_iam_user.arn":             {"arn:aws:iam::" + account + ":user/%s", "name"},
	"aws_iam_instance_profile.id":  {"%s", "name"},
	"aws_iam_instance_profile.arn": {"arn:aws:iam::" + account + ":instance-profile/%s", "name"},
	"aws_ssm_parameter.arn":        {"arn:aws:ssm:" + region + ":" + account + ":parameter%s", "name"},
	"aws_sns_topic.arn":            {"arn:aws:sns:" + region + ":" + account + ":%s", "name"},
	"aws_cloudwatch_log_group.arn": {"arn:aws:logs:" + region + ":" + account + ":log-group:%s", "name"},
}

// constants are the same for every configuration.
var constants = map[string]string{
	"data.aws_caller_identity.account_id": account,
	"data.aws_partition.partition":        "aws",
	"data.aws_partition.dns_suffix":       "amazonaws.com",
}

func made(form tftypes.Type, kind, name, seed string) tftypes.Value {
	sum := sha256.Sum256([]byte(seed + "/" + name))
	mark := hex.EncodeToString(sum[:])[:12]
	switch {
	case form.Is(tftypes.String):
		text := name + "-" + mark
		if constant, found := constants[kind+"."+name]; found {
			text = constant
		} else if name == "region" {
			text = region
		} else if name == "arn" && kind == "aws_kms_key" {
			text = "arn:aws:kms:" + region + ":" + account + ":key/" + mark
		} else if name == "arn" {
			text = "arn:aws:standin:" + region + ":" + account + ":" + kind + "/" + mark
		}
		return tftypes.NewValue(form, text)
	case form.Is(tftypes.Number):
		return tftypes.NewValue(form, big.NewFloat(0))
	case form.Is(tftypes.Bool):
		return tftypes.NewValue(form, false)
	case form.Is(tftypes.Map{}):
		return tftypes.NewValue(form, map[string]tftypes.Value{})
	case form.Is(tftypes.Object{}):
		return tftypes.NewValue(form, nil)
	}
	return tftypes.NewValue(form, []tftypes.Value{})
}

// complete fills the computed attributes that have no value.
func complete(b Block, value tftypes.Value, kind string, how stage) (tftypes.Value, error) {
	var members map[string]tftypes.Value
	if err := value.As(&members); err != nil || members == nil {
		return value, err
	}
	form, ok := value.Type().(tftypes.Object)
	if !ok {
		return value, fmt.Errorf("%s is no object", kind)
	}
	seed := kind + value.String()
	for name, a := range b.Attributes {
		if !a.Computed {
			continue
		}
		switch {
		case how == planning && members[name].IsNull():
			members[name] = tftypes.NewValue(form.AttributeTypes[name], tftypes.UnknownValue)
		case how == applying && (!members[name].IsKnown() || !a.Optional && members[name].IsNull()):
			members[name] = made(form.AttributeTypes[name], kind, name, seed)
			if rule, found := derived[kind+"."+name]; found {
				var from string
				if members[rule[1]].IsKnown() && members[rule[1]].As(&from) == nil && from != "" {
					members[name] = tftypes.NewValue(tftypes.String, fmt.Sprintf(rule[0], from))
				}
			}
		}
	}
	for name, nested := range b.BlockTypes {
		if nested.Nesting == "single" || nested.Nesting == "map" || members[name].IsNull() || !members[name].IsKnown() {
			continue
		}
		var elements []tftypes.Value
		if err := members[name].As(&elements); err != nil {
			return value, err
		}
		for i := range elements {
			var err error
			if elements[i], err = complete(nested.Block, elements[i], kind+"."+name, how); err != nil {
				return value, err
			}
		}
		members[name] = tftypes.NewValue(members[name].Type(), elements)
	}
	return tftypes.NewValue(form, members), nil
}

// refuseReadOnly is an error where the configuration sets what only the provider may.
func refuseReadOnly(b Block, value tftypes.Value, path string) error {
	var members map[string]tftypes.Value
	if !value.IsKnown() || value.IsNull() || value.As(&members) != nil {
		return nil
	}
	for _, name := range sortedKeys(b.Attributes) {
		if a := b.Attributes[name]; a.Computed && !a.Optional && !members[name].IsNull() {
			return fmt.Errorf("%s%s is decided by the provider and cannot be set", path, name)
		}
	}
	for _, name := range sortedKeys(b.BlockTypes) {
		var elements []tftypes.Value
		if b.BlockTypes[name].Nesting == "single" || !members[name].IsKnown() || members[name].As(&elements) != nil {
			continue
		}
		for _, element := range elements {
			if err := refuseReadOnly(b.BlockTypes[name].Block, element, path+name+"."); err != nil {
				return err
			}
		}
	}
	return nil
}
