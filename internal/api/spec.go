package api

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Spec returns the OpenAPI 3.1 document of all operations as indented JSON in
// a stable order. It needs no service.
func Spec() ([]byte, error) { return build(Deps{}).document() }

func (s *Server) document() ([]byte, error) {
	raw, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("marshal specification: %w", err)
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent specification: %w", err)
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}
