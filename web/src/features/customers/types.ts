// The shapes around the record, by short names. Their truth is the generated schema.
import type { components } from '@/api/schema'

type S = components['schemas']

export type Access = S['AccessView']
export type Comparison = S['ComparisonView']
export type ComparedField = S['ComparedField']
export type ConsentEntry = S['ConsentEntry']
export type ConsentPurpose = S['ConsentPurpose']
export type ConsentState = S['ConsentState']
export type ConsentText = S['ConsentText']
export type ConsentInput = S['ConsentInputBody']
export type Duplicate = S['DuplicateView']
export type DuplicateReason = S['DuplicateReason']
export type FieldChange = S['FieldChangeView']
export type Group = S['GroupView']
export type GroupFields = S['GroupFields']
export type GroupMember = S['GroupMemberView']
export type ImportJob = S['ImportView']
export type Merge = S['MergeView']
export type PrivacyRequest = S['PrivacyRequest']
export type StageRule = S['StageRuleView']
