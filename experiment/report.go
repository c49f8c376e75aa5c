package experiment

import (
	"context"
)

// report writes report.html.
func (r *run) report(ctx context.Context) error { return nil }
