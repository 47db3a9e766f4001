package postgres_test

import (
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) pbx.Store { return open(t, fresh(t)) })
}

func TestConformanceInAHostsTransaction(t *testing.T) {
	storetest.RunGuest(t, func(t *testing.T) pbx.Store { return postgres.FromTx(begin(t, connect(t, fresh(t)))) })
}
