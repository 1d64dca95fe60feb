/**
 * What a vector of this norm is multiplied by so that its norm is at most `bound`, above 0 (norm bounding: Sun et al.,
 * "Can You Really Backdoor Federated Learning?", 2019).
 */
export const clipFactor = (norm: number, bound: number): number => (norm <= bound ? 1 : bound / norm);
