copy identity.work_proposal (person_a, person_b, weight, probability, contributions, sure) from stdin
