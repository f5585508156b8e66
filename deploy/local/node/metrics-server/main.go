// metrics-server as its own main program is, but for the names of its OpenAPI models: it generates
// them by Go path, and the API machinery of this node's version knows models by REST name.
package main

import (
	"os"

	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/util"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/spf13/cobra"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app/options"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/api/generated/openapi"
)

func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	named := map[string]common.OpenAPIDefinition{}
	for path, definition := range openapi.GetOpenAPIDefinitions(func(path string) spec.Ref {
		return ref(util.ToRESTFriendlyName(path))
	}) {
		for i, dependency := range definition.Dependencies {
			definition.Dependencies[i] = util.ToRESTFriendlyName(dependency)
		}
		named[util.ToRESTFriendlyName(path)] = definition
	}
	return named
}

func run(opts *options.Options) error {
	if errors := opts.Validate(); len(errors) > 0 {
		return errors[0]
	}
	config, err := opts.ServerConfig()
	if err != nil {
		return err
	}
	namer := openapinamer.NewDefinitionNamer(api.Scheme)
	config.Apiserver.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	config.Apiserver.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	server, err := config.Complete()
	if err != nil {
		return err
	}
	return server.RunUntil(genericapiserver.SetupSignalHandler())
}

func main() {
	opts := options.NewOptions()
	command := &cobra.Command{
		Use:  "metrics-server",
		RunE: func(*cobra.Command, []string) error { return run(opts) },
	}
	for _, flags := range opts.Flags().FlagSets {
		command.Flags().AddFlagSet(flags)
	}
	os.Exit(cli.Run(command))
}
