// The schemas as `terraform providers schema -json` writes them, and their translation into what Terraform is told.
package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type Attribute struct {
	Type      Form `json:"type"`
	Required  bool `json:"required"`
	Optional  bool `json:"optional"`
	Computed  bool `json:"computed"`
	Sensitive bool `json:"sensitive"`
}

type NestedBlock struct {
	Nesting string `json:"nesting_mode"`
	Min     int64  `json:"min_items"`
	Max     int64  `json:"max_items"`
	Block   Block  `json:"block"`
}

type Block struct {
	Attributes map[string]Attribute   `json:"attributes"`
	BlockTypes map[string]NestedBlock `json:"block_types"`
}

type Schema struct {
	Block Block `json:"block"`
}

type Schemas struct {
	Provider  Schema            `json:"provider"`
	Resources map[string]Schema `json:"resource_schemas"`
	Data      map[string]Schema `json:"data_source_schemas"`
}

// Form is a type: "string", ["list", "string"], ["object", {"name": "string"}].
type Form struct{ tftypes.Type }

func (f *Form) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		switch name {
		case "number":
			f.Type = tftypes.Number
		case "bool":
			f.Type = tftypes.Bool
		default:
			f.Type = tftypes.String // also "dynamic", which the provider uses for text
		}
		return nil
	}
	var parts [2]json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return fmt.Errorf("no type: %s", text)
	}
	var kind string
	if err := json.Unmarshal(parts[0], &kind); err != nil {
		return err
	}
	if kind == "object" {
		var members map[string]Form
		if err := json.Unmarshal(parts[1], &members); err != nil {
			return err
		}
		object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{}}
		for name, member := range members {
			object.AttributeTypes[name] = member.Type
		}
		f.Type = object
		return nil
	}
	var element Form
	if err := json.Unmarshal(parts[1], &element); err != nil {
		return err
	}
	switch kind {
	case "list":
		f.Type = tftypes.List{ElementType: element.Type}
	case "set":
		f.Type = tftypes.Set{ElementType: element.Type}
	case "map":
		f.Type = tftypes.Map{ElementType: element.Type}
	default:
		return fmt.Errorf("no type: %s", text)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	"map":    tfprotov5.SchemaNestedBlockNestingModeMap,
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
}

func (b Block) wire() *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for _, name := range sortedKeys(b.Attributes) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: a.Type.Type, Required: a.Required, Computed: a.Computed, Sensitive: a.Sensitive,
			Optional: a.Optional || !a.Required && !a.Computed,
		})
	}
	for _, name := range sortedKeys(b.BlockTypes) {
		n := b.BlockTypes[name]
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Nesting: nestings[n.Nesting], MinItems: n.Min, MaxItems: n.Max, Block: n.Block.wire(),
		})
	}
	return out
}

func (s Schemas) wire() *tfprotov5.GetProviderSchemaResponse {
	out := &tfprotov5.GetProviderSchemaResponse{
		Provider:          &tfprotov5.Schema{Block: s.Provider.Block.wire()},
		ResourceSchemas:   map[string]*tfprotov5.Schema{},
		DataSourceSchemas: map[string]*tfprotov5.Schema{},
	}
	for name, schema := range s.Resources {
		out.ResourceSchemas[name] = &tfprotov5.Schema{Block: schema.Block.wire()}
	}
	for name, schema := range s.Data {
		out.DataSourceSchemas[name] = &tfprotov5.Schema{Block: schema.Block.wire()}
	}
	return out
}
