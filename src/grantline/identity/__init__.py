"""Who is present: sign-in, session, enrolment. Knows no client and no consent."""
