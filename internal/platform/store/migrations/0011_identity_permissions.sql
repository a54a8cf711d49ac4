-- The permissions that this database has seen: newer ones are given, once, to
-- the shipped roles that hold them by default. Those below were in the shipped
-- roles from the beginning.

-- +goose Up
CREATE TABLE known_permissions (
	permission TEXT PRIMARY KEY
);
INSERT INTO known_permissions (permission) VALUES
	('patient.read'), ('patient.write'), ('patient.reveal'), ('call.handle'), ('call.read.own'), ('call.read'),
	('recording.listen.own'), ('recording.listen'), ('wallboard.read'), ('supervise.monitor'), ('supervise.state'),
	('report.read'), ('admin.users'), ('admin.telephony'), ('admin.flows'), ('audit.read'), ('system.admin'),
	('directory.read');
