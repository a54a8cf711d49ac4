package api

import (
	"context"
	"testing"

	"heartline/internal/care/hospital"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
)

type fakeHospital struct{}

func newHospital(*testing.T, *env, *audit.Log) Hospital { return fakeHospital{} }

func (fakeHospital) Campuses(context.Context) ([]hospital.Campus, error) { return nil, nil }
func (fakeHospital) Departments(context.Context, string, string) ([]hospital.Department, error) {
	return nil, nil
}
func (fakeHospital) Department(context.Context, string) (hospital.Department, error) {
	return hospital.Department{}, errs.New(errs.NotFound, "department.not_found")
}
func (fakeHospital) CreateDepartment(context.Context, hospital.Department) (hospital.Department, error) {
	return hospital.Department{}, nil
}
func (fakeHospital) UpdateDepartment(context.Context, hospital.Department) (hospital.Department, error) {
	return hospital.Department{}, nil
}
func (fakeHospital) DeleteDepartment(context.Context, string) error { return nil }
func (fakeHospital) Doctors(context.Context, hospital.DoctorFilter) ([]hospital.Doctor, error) {
	return nil, nil
}
func (fakeHospital) Doctor(context.Context, string) (hospital.Doctor, error) {
	return hospital.Doctor{}, errs.New(errs.NotFound, "doctor.not_found")
}
func (fakeHospital) Photo(context.Context, string) ([]byte, error) {
	return nil, errs.New(errs.NotFound, "doctor.not_found")
}
