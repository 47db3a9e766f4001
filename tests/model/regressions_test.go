package model_test

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// regressions are sequences that once diverged. Each begins in the model's
// world.
var regressions = [][]model.Command{
	{ // the building was checked before the actor
		model.Call{N: 201, As: model.Actor{Role: pbx.RoleOwner, Name: "kim", Home: "us"}, Op: model.SetLineLocation{Number: "6175550100", Building: "no code"}},
		model.Call{N: 202, As: model.Actor{Role: "king", Name: "bob", Home: "us"}, Op: model.SetLineLocation{Number: "6175550100"}},
		model.Call{N: 203, As: modelSupport, In: "gone", Op: model.SetLineLocation{Number: "6175550100"}},
	},
	{ // a review that became impossible for several reasons was refused with those
		model.MakeReview{N: 201, Together: model.Together{As: modelAdmins["us"], Strict: true, Parts: []model.Call{{N: 202, Op: takesBoth}}}},
		model.Call{N: 203, As: modelAdmins["us"], Op: takesBoth},
		model.Commit{Review: 201},
	},
}

var takesBoth = model.CreateUser{Person: model.Person{FirstName: "Ann", Email: "new@us.example"}, Extension: "7001"}
