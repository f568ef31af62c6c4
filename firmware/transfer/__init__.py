"""Who feeds the house: state machine, interlock, contactors with feedback."""
