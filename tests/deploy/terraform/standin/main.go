// A stand-in for the provider hashicorp/aws, for tests without AWS: it has the real provider's schemas (schema.json beside
// the program, made by ../schema.py) and no cloud.
//
// Terraform checks every configuration against the schemas, so unknown attributes, wrong types, missing or doubled blocks
// and references to what does not exist are errors as they are with the real provider.  A plan leaves computed attributes
// unknown; an apply fills them with values made from the configuration, so that the second plan is empty.  What the real
// provider checks by code (the form of a CIDR, of a bucket's name, which values an argument takes) and what AWS itself
// refuses is not known here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// provider answers Terraform.  The embedded interface is nil: it stands for the calls that Terraform does not make.
type provider struct {
	tfprotov5.ProviderServer
	schemas Schemas
	wire    *tfprotov5.GetProviderSchemaResponse
}

func failure(err error) []*tfprotov5.Diagnostic {
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: "stand-in provider", Detail: err.Error()}}
}

func (p *provider) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	answer := &tfprotov5.GetMetadataResponse{}
	for _, name := range sortedKeys(p.schemas.Resources) {
		answer.Resources = append(answer.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for _, name := range sortedKeys(p.schemas.Data) {
		answer.DataSources = append(answer.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return answer, nil
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return p.wire, nil
}

func (p *provider) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (p *provider) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	value, err := r.Config.Unmarshal(p.wire.ResourceSchemas[r.TypeName].ValueType())
	if err == nil {
		err = refuseReadOnly(p.schemas.Resources[r.TypeName].Block, value, "")
	}
	if err != nil {
		return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: failure(err)}, nil
	}
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (p *provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	form := p.wire.ResourceSchemas[r.TypeName].ValueType()
	value, err := r.RawState.UnmarshalWithOpts(form, tfprotov5.UnmarshalOpts{ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true}})
	if err != nil {
		return &tfprotov5.UpgradeResourceStateResponse{Diagnostics: failure(err)}, nil
	}
	state, err := tfprotov5.NewDynamicValue(form, value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (p *provider) UpgradeResourceIdentity(context.Context, *tfprotov5.UpgradeResourceIdentityRequest) (*tfprotov5.UpgradeResourceIdentityResponse, error) {
	return &tfprotov5.UpgradeResourceIdentityResponse{}, nil
}

func (p *provider) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState}, nil
}

// completed gives value with its computed attributes filled in, in the form Terraform takes.
func (p *provider) completed(name string, given *tfprotov5.DynamicValue, how stage) (*tfprotov5.DynamicValue, error) {
	form := p.wire.ResourceSchemas[name].ValueType()
	value, err := given.Unmarshal(form)
	if err != nil {
		return nil, err
	}
	if !value.IsNull() {
		if value, err = complete(p.schemas.Resources[name].Block, value, name, how); err != nil {
			return nil, err
		}
	}
	answer, err := tfprotov5.NewDynamicValue(form, value)
	return &answer, err
}

func (p *provider) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	state, err := p.completed(r.TypeName, r.ProposedNewState, planning)
	if err != nil {
		return &tfprotov5.PlanResourceChangeResponse{Diagnostics: failure(err)}, nil
	}
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: state}, nil
}

func (p *provider) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	state, err := p.completed(r.TypeName, r.PlannedState, applying)
	if err != nil {
		return &tfprotov5.ApplyResourceChangeResponse{Diagnostics: failure(err)}, nil
	}
	return &tfprotov5.ApplyResourceChangeResponse{NewState: state}, nil
}

func (p *provider) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	form := p.wire.DataSourceSchemas[r.TypeName].ValueType()
	value, err := r.Config.Unmarshal(form)
	for _, how := range []stage{planning, applying} {
		if err == nil {
			value, err = complete(p.schemas.Data[r.TypeName].Block, value, "data."+r.TypeName, how)
		}
	}
	if err != nil {
		return &tfprotov5.ReadDataSourceResponse{Diagnostics: failure(err)}, nil
	}
	state, err := tfprotov5.NewDynamicValue(form, value)
	return &tfprotov5.ReadDataSourceResponse{State: &state}, err
}

func (p *provider) ImportResourceState(context.Context, *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	return nil, fmt.Errorf("there is nothing to import: this is a stand-in")
}

func (p *provider) MoveResourceState(context.Context, *tfprotov5.MoveResourceStateRequest) (*tfprotov5.MoveResourceStateResponse, error) {
	return nil, fmt.Errorf("nothing can be moved: this is a stand-in")
}

func load(path string) (*provider, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &provider{}
	if err := json.Unmarshal(text, &p.schemas); err != nil {
		return nil, err
	}
	p.wire = p.schemas.wire()
	return p, nil
}

func main() {
	program, err := os.Executable()
	if err == nil {
		var p *provider
		if p, err = load(filepath.Join(filepath.Dir(program), "schema.json")); err == nil {
			err = tf5server.Serve("registry.terraform.io/hashicorp/aws", func() tfprotov5.ProviderServer { return p })
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stand-in provider:", err)
		os.Exit(1)
	}
}
