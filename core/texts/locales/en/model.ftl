# Sections of responsibility (N12)
section-terminal = person and terminal
section-in-house-lan = own facility (in-house network)
section-access-line = access line
section-operator = network operator
section-peer = peer facility
section-service = service
section-with-note = { $section }: { $note }

# Zones (G8)
zone-high-secure = High Secure Zone
zone-secure = Secure Zone
zone-dmz = DMZ

# Site models (G9)
site-model-large = large institution
site-model-small = small institution
site-model-service-provider = service provider

# Line kinds (G17)
line-kind-leased = leased line
line-kind-isdn = ISDN line
line-kind-closed-ip = closed IP network
line-kind-wide-ethernet = wide-area Ethernet
line-kind-ip-vpn = IP-VPN
line-kind-internet = Internet

# Parties of an agreement
side-consumer = the side that uses the service
side-provider = the side that offers the service

# States of a connection
state-requested = requested
state-opening = opening
state-open = open
state-closing = closing
state-closed = closed
state-refused = refused

# Qualifications (hcRole)
role-medical-doctor = Medical Doctor
role-dentist = Dentist
role-pharmacist = Pharmacist
role-medical-technologist = Medical Technologist
role-radiological-technologist = Radiological Technologist
role-general-nurse = General Nurse
role-public-health-nurse = Public Health Nurse
role-midwife = Midwife
role-physical-therapist = Physical Therapist
role-occupational-therapist = Occupational Therapist
role-orthoptist = Orthoptist
role-speech-therapist = Speech Therapist
role-dental-technician = Dental Technician
role-national-registered-dietitian = National Registered Dietitian
role-certified-social-worker = Certified Social Worker
role-certified-care-worker = Certified Care Worker
role-emergency-medical-technician = Emergency Medical Technician
role-psychiatric-social-worker = Psychiatric Social Worker
role-clinical-engineer = Clinical Engineer
role-massage-and-finger-pressure-practitioner = Massage and Finger Pressure Practitioner
role-acupuncturist = Acupuncturist
role-moxibustion-practitioner = Moxibustion Practitioner
role-dental-hygienist = Dental Hygienist
role-prosthetics-orthotics = Prosthetics & Orthotics
role-director-of-hospital = Director of Hospital
role-director-of-clinic = Director of Clinic
role-supervisor-of-pharmacy = Supervisor of Pharmacy
role-proprietor-of-pharmacy = Proprietor of Pharmacy
role-director = Director
