"""Words in names that are no names: titles, suffixes, particles; and family names that stand first.

Compared in lower case and without full stops.
"""

from __future__ import annotations

_PREFIXES = """
mr mrs ms miss mx mister madam madame mme mlle mademoiselle monsieur herr frau fräulein dhr mevr mw heer mevrouw
sr sra srta señor señora señorita don doña dom sig sigra signor signora signore hr fr fru frk pan pani pán paní
dr doctor drs dra dott dottssa prof professor profesor professore professeur profdr ing dipl dipl-ing ir mag mgr lic
phdr mudr judr rndr med habil rer nat pharm
sir dame lord lady baron baroness count countess duke duchess earl prince princess king queen emperor
rev reverend pastor father padre brother sister rabbi imam sheikh shaykh sheik hajji haji mullah cardinal bishop pope
hon honorable honourable judge justice senator sen representative rep governor gov president pres mayor ambassador amb
captain capt cpt colonel col general gen major maj lieutenant lt sergeant sgt corporal cpl private pvt admiral adm
commander cmdr officer inspector
datuk dato tan sri tun datin puan encik tengku shri smt kumari pandit ustad
г-н г-жа господин госпожа д-р проф
"""
# Titles after which people are called by their given name.
_GIVEN_TITLES = """
sir dame lady king queen prince princess pope brother sister father padre imam sheikh shaykh sheik don doña dom rabbi
ustad hajji haji mullah tun tengku
"""
_SUFFIXES = """
jr sr junior senior jnr snr ii iii iv vi vii viii phd dphil md dds dmd dvm esq esquire mba msc bsc llb llm jd cpa cfa
pmp rn frcs frcp fca obe mbe cbe kbe qc kc mp oam sj osb csc cissp pe edd psyd ret
filho neto sobrinho hijo nieto
"""
# These are names too, so they count only where they are written as abbreviations or after a comma.
_UNSURE_SUFFIXES = "v i x ma ba do ms bs be me ed od rph sc dc ca cp am pc"
_PARTICLES = """
van von vom vander vanden vande de der den del dela della dello dei degli di da do du dos das des d' la le las los lo
ter ten te tot 't zu zum zur und af av auf an in het op aan
al el ul ad ash as az bin ibn bint binti ben bar abu umm ap ab ferch fitz mac mc o' san santa st saint sainte
ait ould uld nic ní ni ó ua uí
بن ابن بنت أبو ابو آل עבד בן בת בר
"""
_CONJUNCTIONS = "y e i und et och og en & da'"
# Family names that stand first where they are written with their own accents.
_FAMILY_FIRST = """
nguyễn trần lê phạm hoàng huỳnh vũ võ đặng bùi đỗ hồ ngô dương lý đoàn đào đinh trương lâm phùng mạc tạ
"""
_EAST_HONORIFICS = "様 さん さま 先生 氏 殿 君 씨 님 선생님 女士 小姐 教授 博士"
_COMPOUND = (
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒 夏侯 皇甫 尉迟 东方 東方 令狐 慕容 남궁 선우 황보 제갈 사공 독고 서문 동방"
)

PREFIXES = frozenset(_PREFIXES.split())
GIVEN_TITLES = frozenset(_GIVEN_TITLES.split())
SUFFIXES = frozenset(_SUFFIXES.split())
UNSURE_SUFFIXES = frozenset(_UNSURE_SUFFIXES.split())
PARTICLES = frozenset(_PARTICLES.split())
CONJUNCTIONS = frozenset(_CONJUNCTIONS.split())
FAMILY_FIRST_SURNAMES = frozenset(_FAMILY_FIRST.split())
EAST_HONORIFICS = frozenset(_EAST_HONORIFICS.split())
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
