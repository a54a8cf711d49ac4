// Command spec prints the OpenAPI document of the API; `make spec` writes it
// to api/openapi.json.
package main

import (
	"fmt"
	"os"

	"heartline/internal/api"
)

func main() {
	doc, err := api.Spec()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(doc); err != nil {
		os.Exit(1)
	}
}
