// Original file: proto/fedpress/v1/common.proto

export const Outcome = {
  OUTCOME_UNSPECIFIED: 'OUTCOME_UNSPECIFIED',
  OUTCOME_FOLDED: 'OUTCOME_FOLDED',
  OUTCOME_DROPPED: 'OUTCOME_DROPPED',
  OUTCOME_REFUSED: 'OUTCOME_REFUSED',
  OUTCOME_UNKNOWN: 'OUTCOME_UNKNOWN',
} as const;

export type Outcome =
  | 'OUTCOME_UNSPECIFIED'
  | 0
  | 'OUTCOME_FOLDED'
  | 1
  | 'OUTCOME_DROPPED'
  | 2
  | 'OUTCOME_REFUSED'
  | 3
  | 'OUTCOME_UNKNOWN'
  | 4

export type Outcome__Output = typeof Outcome[keyof typeof Outcome]
