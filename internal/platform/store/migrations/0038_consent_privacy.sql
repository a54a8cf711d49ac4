-- Consents (append-only: the latest row of patient, purpose and channel counts),
-- privacy requests, emergency access, and the periods for which records must be
-- kept. Purposes, texts and periods are data of the hospital.

-- +goose Up
CREATE TABLE consent_purposes (
	code       TEXT PRIMARY KEY,
	position   INTEGER NOT NULL,
	name       TEXT NOT NULL,
	name_en    TEXT NOT NULL,
	basis      TEXT NOT NULL,
	sensitive  INTEGER NOT NULL,
	channels   TEXT NOT NULL,
	active     INTEGER NOT NULL
);
INSERT INTO consent_purposes (code, position, name, name_en, basis, sensitive, channels, active) VALUES
	('service', 1, '预约与就诊通知', 'Appointments and visits', 'contract', 0, '["phone","sms","wechat","email"]', 1),
	('reminder', 2, '就诊与用药提醒', 'Reminders', 'contract', 0, '["phone","sms","wechat","email"]', 1),
	('followup', 3, '诊后随访', 'Follow-up after treatment', 'consent', 1, '["phone","sms","wechat","email"]', 1),
	('satisfaction', 4, '满意度调查', 'Satisfaction survey', 'consent', 0, '["phone","sms","wechat","email"]', 1),
	('education', 5, '健康教育', 'Health education', 'consent', 1, '["phone","sms","wechat","email","post"]', 1),
	('marketing', 6, '活动与推广信息', 'Offers and events', 'consent', 0, '["phone","sms","wechat","email","post"]', 1),
	('profiling', 7, '健康风险评估与个性化推荐', 'Risk estimates and personal recommendations', 'consent', 1, '["any"]', 1),
	('sharing', 8, '向转诊机构提供病历信息', 'Sharing records with referral partners', 'consent', 1, '["any"]', 1);

CREATE TABLE consent_texts (
	id         TEXT PRIMARY KEY,
	purpose    TEXT NOT NULL REFERENCES consent_purposes (code),
	version    INTEGER NOT NULL,
	language   TEXT NOT NULL,
	text       TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX consent_texts_version ON consent_texts (purpose, language, version);

CREATE TABLE consents (
	id            TEXT PRIMARY KEY,
	patient_id    TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	purpose       TEXT NOT NULL REFERENCES consent_purposes (code),
	channel       TEXT NOT NULL,
	decision      TEXT NOT NULL,
	text_version  INTEGER NOT NULL,
	text_language TEXT NOT NULL,
	given_by      TEXT NOT NULL,
	guardian_id   TEXT NOT NULL,
	evidence      TEXT NOT NULL,
	evidence_ref  TEXT NOT NULL,
	note          TEXT NOT NULL,
	at            BIGINT NOT NULL,
	actor         TEXT NOT NULL,
	actor_name    TEXT NOT NULL
);
CREATE INDEX consents_patient ON consents (patient_id, purpose, channel, at, id);

CREATE TABLE privacy_requests (
	id          TEXT PRIMARY KEY,
	version     BIGINT NOT NULL,
	patient_id  TEXT NOT NULL,
	kind        TEXT NOT NULL,
	status      TEXT NOT NULL,
	requester   TEXT NOT NULL,
	channel     TEXT NOT NULL,
	evidence    TEXT NOT NULL,
	reason      TEXT NOT NULL,
	note        TEXT NOT NULL,
	obstacles   TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	due_at      BIGINT NOT NULL,
	decided_at  BIGINT NOT NULL,
	decided_by  TEXT NOT NULL,
	done_at     BIGINT NOT NULL,
	created_by  TEXT NOT NULL
);
CREATE INDEX privacy_requests_patient ON privacy_requests (patient_id, received_at);
CREATE INDEX privacy_requests_status ON privacy_requests (status, due_at, id);

-- What was exported for a request, sealed with the person's key.
CREATE TABLE privacy_files (
	request_id TEXT PRIMARY KEY REFERENCES privacy_requests (id) ON DELETE CASCADE,
	patient_id TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	until      BIGINT NOT NULL
);
CREATE INDEX privacy_files_patient ON privacy_files (patient_id);

CREATE TABLE break_glass (
	id          TEXT PRIMARY KEY,
	patient_id  TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	user_id     TEXT NOT NULL,
	user_name   TEXT NOT NULL,
	reason      TEXT NOT NULL,
	at          BIGINT NOT NULL,
	until       BIGINT NOT NULL,
	reviewed_at BIGINT NOT NULL,
	reviewed_by TEXT NOT NULL,
	review_note TEXT NOT NULL
);
CREATE INDEX break_glass_user ON break_glass (patient_id, user_id, until);
CREATE INDEX break_glass_at ON break_glass (at, id);

-- Records of these kinds must be kept for so many years after the entry.
CREATE TABLE retention_rules (
	code       TEXT PRIMARY KEY,
	kinds      TEXT NOT NULL,
	years      INTEGER NOT NULL,
	basis      TEXT NOT NULL,
	updated_at BIGINT NOT NULL
);
INSERT INTO retention_rules (code, kinds, years, basis, updated_at) VALUES
	('outpatient', '["outpatient","exam","report","prescription","order","remote"]', 15, '医疗机构管理条例实施细则 第五十三条', 0),
	('inpatient', '["inpatient"]', 30, '医疗机构管理条例实施细则 第五十三条', 0),
	('complaint', '["complaint"]', 3, '医疗机构投诉管理办法', 0);
